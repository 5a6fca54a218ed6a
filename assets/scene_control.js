// The scene of a page: its values, the view that draws them, the panel and the menus that change them.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const CAMERA = ["yaw", "pitch", "roll", "distance", "pan_x", "pan_y"];
    const PLANE_EVERY_MS = 400;
    const tidy = (value) => (typeof value === "number" ? Number(value.toFixed(4)) : value);

    class SceneControl {
        // name: of the page, with which its elements' ids begin; changed(): tells the page that the scene is another;
        // model(): the model that is meant where a neuron's text names none
        constructor(name, facts, { changed, model }) {
            Object.assign(this, { name, facts, changed, model });
            this.stage = document.getElementById(`${name}-stage`);
            this.values = { ...facts.scene };
            this.shown = { ...facts.scene }; // what the menus show
            this.view = new window.perturber.SceneView(name, facts.camera);
            const change = (values) => this.change(values);
            const defaults = Object.fromEntries(CAMERA.map((key) => [key, facts.defaults[key]]));
            const pointer = document.getElementById(`${name}-pointer`);
            window.perturber.listenToPointer(pointer, () => this.values, change, () => change(defaults));
            const panel = this.stage.closest(".explore").querySelector(".parameters");
            const resolve = (key, text) => this.resolve(key, text);
            this.panel = new window.perturber.ParameterPanel(panel, facts, { change, resolve });
            window.perturber.uploads(this, change);
            this.part("save-input").addEventListener("click", () => {
                Object.assign(document.createElement("a"), { href: this.part("input").src, download: "model-input.png" }).click();
            });
            this.show();
        }

        part(name) {
            return document.getElementById(`${this.name}-${name}`);
        }

        get alive() {
            return this.view.alive;
        }

        change(values) {
            for (const [key, value] of Object.entries(values)) this.values[key] = tidy(value);
            this.show();
            this.changed();
        }

        // What every answer holds: picture, status, and a feature visualisation that may still be growing on the plane.
        showAnswer({ input, status, plane }) {
            const { gate } = window.perturber;
            this.part("input").src = input;
            this.part("status").textContent = status;
            this.part("rate").textContent = gate.rate();
            if (!plane) return;
            this.view.planeVersion = plane.done;
            this.draw();
            if (!plane.finished) setTimeout(() => window.perturber.gate === gate && gate.again(), PLANE_EVERY_MS);
        }

        // Dash's menus have other values.
        heard() {
            for (const { prop_id, value } of window.dash_clientside.callback_context.triggered)
                this.said(JSON.parse(prop_id.slice(0, prop_id.lastIndexOf("."))).key, value);
        }

        // A menu of Dash's has another value.
        said(key, value) {
            this.values[key] = this.shown[key] = value || this.values[key];
            this.show();
        }

        // What differs from the defaults.
        changes() {
            const entries = Object.entries(this.values);
            return Object.fromEntries(entries.filter(([key, value]) => value !== this.facts.defaults[key]));
        }

        draw() {
            this.view.update({ ...this.values });
        }

        show() {
            this.panel.show(this.values);
            for (const key of this.facts.choices) {
                if (this.shown[key] === this.values[key]) continue;
                this.shown[key] = this.values[key];
                window.dash_clientside.set_props({ type: `${this.name}-choice`, key: key }, { value: this.values[key] });
            }
        }

        // A text of the user's, as the server reads it; throws the server's sentence.
        async resolve(key, text) {
            const named = key !== "plane_neuron" || text.includes("/") ? text : `${this.model()}/${text.trim()}`;
            const response = await window.perturber.post("/scene/text", { key: key, value: named });
            if (!response.ok) throw new Error(await window.perturber.sentence(response));
            return (await response.json()).value;
        }
    }

    // A function that calls another one after a while, once however often it was called.
    window.perturber.later = function (milliseconds, action) {
        let timer = null;
        return () => {
            if (timer === null)
                timer = setTimeout(() => {
                    timer = null;
                    action();
                }, milliseconds);
        };
    };

    // Plotly arrives a moment after the page; nothing is asked before what it answers can be drawn.
    window.perturber.whenPlotlyIsThere = function (page, action) {
        if (!page.control.alive) return;
        if (window.Plotly) action();
        else setTimeout(() => window.perturber.whenPlotlyIsThere(page, action), 20);
    };

    window.perturber.SceneControl = SceneControl;
})();
