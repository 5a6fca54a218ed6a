// The Explore page: one function hears every control, keeps the state, moves the view, writes the URL and hands the
// state to the gate.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const CAMERA = ["yaw", "pitch", "roll", "distance", "pan_x", "pan_y"];
    const URL_EVERY_MS = 300;
    const PLANE_EVERY_MS = 400;
    const setProps = (id, props) => window.dash_clientside.set_props(id, props);
    const tidy = (value) => (typeof value === "number" ? Number(value.toFixed(4)) : value);

    let page = null; // what belongs to the page as it is mounted now

    function later(milliseconds, action) {
        let timer = null;
        return () => {
            if (timer === null)
                timer = setTimeout(() => {
                    timer = null;
                    action();
                }, milliseconds);
        };
    }

    function mount(facts, slots) {
        page = {
            facts: facts,
            stage: document.getElementById("explore-stage"),
            scene: { ...facts.scene },
            shown: { ...facts.scene }, // what the menus show
            slots: slots.map((slot) => ({ ...slot, channels: parse(slot.text) || [0] })),
            view: new window.perturber.SceneView("explore", facts.camera),
        };
        window.perturber.listenToPointer(
            document.getElementById("explore-pointer"),
            () => page.scene,
            change,
            () => change(Object.fromEntries(CAMERA.map((key) => [key, facts.defaults[key]]))),
        );
        page.panel = new window.perturber.ParameterPanel(document.querySelector(".explore .parameters"), facts, {
            change,
            resolve,
        });
        window.perturber.uploads(page, change);
        showScene();
        // Another visit to the page is another gate: an answer on its way to the last visit finds nobody.
        window.perturber.gate = new window.perturber.Gate("/explore/look", draw);
        window.perturber.page = page;
    }

    // ---- scene ------------------------------------------------------------------------------------------------

    function change(values) {
        for (const [key, value] of Object.entries(values)) page.scene[key] = tidy(value);
        showScene();
        publish();
    }

    function publish() {
        page.view.update({ ...page.scene });
        window.perturber.gate.offer(request());
        writeUrl();
    }

    function request() {
        const slots = page.slots.map(({ model, layer, channels, activations, predictions }) => ({
            model,
            layer,
            channels,
            activations,
            predictions,
        }));
        return { scene: changes(), slots: slots };
    }

    function changes() {
        const entries = Object.entries(page.scene);
        return Object.fromEntries(entries.filter(([key, value]) => value !== page.facts.defaults[key]));
    }

    // A text of the user's, as the server reads it; throws the server's sentence.
    async function resolve(key, text) {
        const named = key !== "plane_neuron" || text.includes("/") ? text : `${page.slots[0].model}/${text.trim()}`;
        const response = await fetch("/explore/text", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ key: key, value: named }),
        });
        if (!response.ok) throw new Error(await window.perturber.sentence(response));
        return (await response.json()).value;
    }

    function showScene() {
        page.panel.show(page.scene);
        for (const key of page.facts.choices) {
            if (page.shown[key] === page.scene[key]) continue;
            page.shown[key] = page.scene[key];
            setProps({ type: "explore-choice", key: key }, { value: page.scene[key] });
        }
    }

    // ---- model slots --------------------------------------------------------------------------------------------

    // "0, 5, 12-15" → numbers, or null
    function parse(text) {
        const channels = [];
        for (const part of String(text).trim().split(/[,\s]+/)) {
            const match = /^(\d{1,6})(?:[-–](\d{1,6}))?$/.exec(part);
            if (!match) return null;
            const last = Math.min(Number(match[2] || match[1]), Number(match[1]) + 64);
            for (let c = Number(match[1]); c <= last; c++) channels.push(c);
        }
        return channels;
    }

    const text = (channels) => channels.join(", ");

    function resize(channels, count, total) {
        const result = channels.slice(0, count);
        for (let next = result.length ? result[result.length - 1] + 1 : 0; result.length < count; next++)
            result.push(next % total);
        return result;
    }

    // What the slot's controls say → the slot; where they contradict each other, the newest one wins.
    function updateSlot(number, said, trigger) {
        const old = page.slots[number];
        const model = said.model in page.facts.models ? said.model : old.model;
        const layers = page.facts.models[model].layers;
        const layer = said.layer in layers ? said.layer : page.facts.models[model].defaultLayer;
        const total = layers[layer][0];
        const most = Math.min(page.facts.neurons, total);
        let channels = old.channels;
        let problem = "";
        if (trigger === "channels") {
            const given = parse(said.text);
            if (!given) problem = `“${String(said.text).slice(0, 40)}” are no channels. Write numbers, for example 0, 5, 12-15.`;
            else if (given.some((c) => c >= total)) problem = `${layer} has the channels 0 to ${total - 1}.`;
            else if (given.length > page.facts.neurons) problem = `Up to ${page.facts.neurons} channels can be shown.`;
            else channels = given;
        } else if (trigger === "count") {
            if (Number.isInteger(said.count) && said.count >= 1 && said.count <= page.facts.neurons)
                channels = resize(channels, Math.min(said.count, most), total);
            else problem = `The number of neurons goes from 1 to ${page.facts.neurons}.`;
        } else if (trigger === "back" || trigger === "on") {
            const step = (trigger === "on" ? 1 : -1) * channels.length;
            channels = channels.map((c) => (((c + step) % total) + total) % total);
        }
        if (channels.some((c) => c >= total)) channels = resize([], Math.min(channels.length, most), total);
        page.slots[number] = {
            model,
            layer,
            channels,
            activations: said.activations.length > 0,
            predictions: said.predictions.length > 0,
        };
        showSlot(number, said, model !== old.model, problem);
    }

    function showSlot(number, said, newModel, problem) {
        const slot = page.slots[number];
        const at = (what) => ({ type: `explore-slot-${what}`, slot: number });
        if (newModel) {
            const layers = Object.entries(page.facts.models[slot.model].layers);
            const options = layers.map(([name, [c, h, w]]) => ({ value: name, label: `${name}  ·  ${c} ch, ${h}×${w}` }));
            setProps(at("layer"), { options: options, value: slot.layer });
        }
        if (!problem && said.text !== text(slot.channels)) setProps(at("channels"), { value: text(slot.channels) });
        if (!problem && said.count !== slot.channels.length) setProps(at("count"), { value: slot.channels.length });
        setProps(at("message"), { children: problem });
    }

    // ---- URL --------------------------------------------------------------------------------------------------

    function query() {
        const values = Object.entries(changes());
        page.slots.forEach((slot, i) => {
            const n = i + 1;
            values.push([`m${n}`, slot.model], [`l${n}`, slot.layer], [`c${n}`, slot.channels.join(",")]);
            if (!slot.activations) values.push([`a${n}`, 0]);
            if (!slot.predictions) values.push([`p${n}`, 0]);
        });
        return new URLSearchParams(values).toString().replaceAll("%2C", ",");
    }

    const writeUrl = later(URL_EVERY_MS, () => {
        if (!page.stage.isConnected) return;
        const url = `/?${query()}`;
        history.replaceState(history.state, "", url);
        setProps("link-explore", { href: url });
    });

    // ---- Dash -------------------------------------------------------------------------------------------------

    window.dash_clientside.explore = {
        changed(choices, models, layers, counts, texts, backs, ons, acts, preds, facts) {
            const said = models.map((model, i) => ({
                model,
                layer: layers[i],
                count: counts[i],
                text: texts[i],
                activations: acts[i] || [],
                predictions: preds[i] || [],
            }));
            const before = page && JSON.stringify(request());
            const fresh = !page || page.stage !== document.getElementById("explore-stage");
            if (fresh) {
                mount(facts, said.map((s) => ({ ...s, activations: s.activations.length > 0, predictions: s.predictions.length > 0 })));
            } else {
                for (const { prop_id, value } of window.dash_clientside.callback_context.triggered) {
                    const { type, key, slot } = JSON.parse(prop_id.slice(0, prop_id.lastIndexOf(".")));
                    if (slot === undefined) page.scene[key] = page.shown[key] = value || page.scene[key];
                    else updateSlot(slot, said[slot], type.replace("explore-slot-", ""));
                }
                showScene();
            }
            if (!fresh && JSON.stringify(request()) === before) return window.dash_clientside.no_update;
            whenPlotsAreThere(publish);
            return request();
        },
    };

    // Plotly arrives a moment after the page; nothing is asked before what it answers can be drawn.
    function whenPlotsAreThere(action) {
        const { stage } = page;
        const ready = document.querySelectorAll(".explore .js-plotly-plot").length === page.slots.length;
        if (ready) action();
        else if (stage.isConnected) setTimeout(() => page.stage === stage && whenPlotsAreThere(action), 20);
    }

    // ---- answers ------------------------------------------------------------------------------------------------

    // Everything that is drawn here comes from one answer, so that heatmaps, input and predictions belong together.
    function draw(answer, state, sequence) {
        if (!page.stage.isConnected) return;
        document.getElementById("explore-input").src = answer.input;
        answer.slots.forEach((slot, number) => {
            const frame = document.getElementById(`explore-slot-${number}`);
            drawActivations(frame, slot);
            drawPredictions(frame.querySelector(".bars"), slot.top);
        });
        document.getElementById("explore-status").textContent = answer.status;
        document.getElementById("explore-rate").textContent = rate();
        page.displayed = { sequence: sequence, state: state };
        followPlane(answer.plane);
    }

    // A feature visualisation that is not finished is looked at again; the view draws it as far as it has come.
    function followPlane(plane) {
        if (!plane) return;
        page.view.planeVersion = plane.done;
        page.view.update({ ...page.scene });
        const { gate } = window.perturber;
        if (!plane.finished) setTimeout(() => window.perturber.gate === gate && gate.again(), PLANE_EVERY_MS);
    }

    function drawActivations(frame, slot) {
        const plot = frame.querySelector(".js-plotly-plot");
        frame.classList.toggle("no-activations", slot.scale === null);
        if (slot.scale === null) return;
        frame.querySelector(".low").textContent = `−${slot.scale.toPrecision(3)}`;
        frame.querySelector(".high").textContent = `+${slot.scale.toPrecision(3)}`;
        const end = slot.scale || 1;
        if (slot.figure) window.Plotly.react(plot, slot.figure.data, slot.figure.layout, { displayModeBar: false });
        else window.Plotly.restyle(plot, { z: [rows(slot.z)], zmin: -end, zmax: end });
    }

    // base64 of float32 → one array for each row
    function rows({ data, rows: count }) {
        const values = new Float32Array(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
        const width = values.length / count;
        return Array.from({ length: count }, (_, row) => values.subarray(row * width, (row + 1) * width));
    }

    function drawPredictions(bars, top) {
        if (!top) {
            bars.replaceChildren(element("p", "empty", "Predictions are switched off"));
            return;
        }
        while (bars.children.length !== top.length || bars.querySelector(".empty"))
            bars.replaceChildren(...top.map(makeBar));
        const largest = Math.max(top[0].logit, 0);
        top.forEach((score, i) => {
            const [name, share, bar] = bars.children[i].children;
            name.textContent = score.name;
            name.title = `${score.name} (class ${score.index})`;
            share.textContent = `${(score.probability * 100).toFixed(1)} %`;
            bar.textContent = score.logit.toFixed(2);
            bar.style.width = `${largest > 0 ? (Math.max(score.logit, 0) / largest) * 100 : 0}%`;
        });
    }

    function makeBar() {
        const row = element("div", "row");
        row.append(element("span", "name"), element("span", "share"), element("div", "length"));
        return row;
    }

    function element(kind, className, text = "") {
        return Object.assign(document.createElement(kind), { className: className, textContent: text });
    }

    function rate() {
        const recent = window.perturber.gate.timings.slice(-10);
        const span = recent.length ? performance.now() - recent[0].arrivedAt : 0;
        return recent.length > 2 && span < 4000 ? `${((recent.length * 1000) / span).toFixed(1)} updates/s` : "";
    }

    // ---- saving ------------------------------------------------------------------------------------------------

    document.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        if (button.id === "explore-save-input") {
            const link = document.createElement("a");
            link.href = document.getElementById("explore-input").src;
            link.download = "model-input.png";
            link.click();
        } else if (button.dataset.save) save(button);
    });

    async function save(button) {
        const place = button.closest(".figure");
        const plot = place.querySelector(".js-plotly-plot") || (await predictionsFigure(button.closest(".slot")));
        await window.Plotly.downloadImage(plot, {
            format: button.dataset.save,
            filename: button.dataset.name,
            width: place.clientWidth,
            height: place.clientHeight,
            scale: button.dataset.save === "png" ? 4 : 1,
        });
    }

    // The bars on the page are plain elements; the figure for a paper comes from the server, from the state shown.
    async function predictionsFigure(slot) {
        const response = await fetch("/explore/figure", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ ...page.displayed.state, slot: Number(slot.id.slice(-1)) }),
        });
        return response.json();
    }
})();
