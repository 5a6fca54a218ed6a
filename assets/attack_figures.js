// Figures of the attack, below the slots: how far each layer moves, the same attack on every model, robustness curves.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const POLL_MS = 400;
    const FIGURES = {
        layers: ["Change by layer", "How far each layer of the attacked model moves, step by step"],
        models: ["Compare across models", "The same attack on every shown model: which frequencies does each one’s perturbation use?"],
        curve: ["Robustness curve", "Accuracy and margin of every shown model over ε"],
    };
    const EXPLAINED = {
        layers: "Relative change ‖a′ − a‖ / ‖a‖ of each layer’s activations. Take a step of an attack to see it.",
        models: "One attack with the panel’s settings on each shown model, from the present scene: amplified perturbations and their radial spectra. It is not computed yet; choose Compare.",
        curve: "PGD with the panel’s norm at growing ε, or AutoAttack. It is not computed yet; choose Compute.",
    };
    const make = (kind, props = {}, ...children) => {
        const element = Object.assign(document.createElement(kind), props);
        element.append(...children);
        return element;
    };
    const button = (words, title, action, className = "quiet") => {
        const element = make("button", { className, textContent: words, title });
        element.addEventListener("click", action);
        return element;
    };
    const what = (attack, scene) => JSON.stringify([attack.replace(/,steps=\d+/, ""), scene]);
    const under = (job) => Boolean(job) && ["waiting", "running"].includes(job.state);

    class AttackFigures {
        // changed(): tells the page that it needs something else of the answers
        constructor(page, changed) {
            Object.assign(this, { page, changed, open: null, jobs: {}, layers: null, drawn: {}, curve: { pictures: "scene", count: 16, most: null, points: 9, steps: 8, autoattack: false } });
            this.root = document.querySelector(".explore .attack-figures");
            this.bar = make("div", { className: "bar" });
            this.plot = make("div", { className: "plot" });
            this.hint = make("p", { className: "hint" });
            this.aside = make("div", { className: "aside" });
            this.pictures = make("div", { className: "pictures-of" });
            this.savers = make("div", { className: "save" });
            this.root.replaceChildren(this.bar, make("div", { className: "content" }, make("div", { className: "figure" }, this.hint, this.plot, this.savers), this.pictures, this.aside));
            this.buttons = Object.fromEntries(Object.entries(FIGURES).map(([name, [words, title]]) => [name, button(words, title, () => this.show(this.open === name ? null : name))]));
            page.attack.root.querySelector(".body").append(make("div", { className: "line figures" }, make("span", { textContent: "Figures" }), ...Object.values(this.buttons)));
            for (const tab of Object.values(page.drawer.tabs)) tab.addEventListener("click", () => page.drawer.open && this.show(null)); // there is room for one
            new ResizeObserver(() => this.draw()).observe(this.plot);
        }

        // What a link names is open.
        begin() {
            const [open, job] = (this.page.facts.attackFigure || "").split("-");
            if (open) this.show(open, false);
            if (job) this.recall(open, job);
        }

        get alive() {
            return this.root.isConnected;
        }

        // What a look has to say of the layers
        request() {
            if (this.open !== "layers") return {};
            const { attack, control } = this.page;
            const drawn = this.drawn.of === what(attack.text, control.changes()) ? this.drawn.steps : null;
            return { attack_figure: "layers", attack_layers_drawn: drawn };
        }

        query() {
            if (!this.open) return [];
            const job = this.jobs[this.open];
            return [["attack_figure", job && job.job ? `${this.open}-${job.job}` : this.open]];
        }

        // ask: whether the page may ask for it
        show(name, ask = true) {
            if (name === this.open) return;
            const { attack, drawer } = this.page;
            const before = this.open;
            this.open = name;
            if (name && ask && drawer.open) drawer.show(null);
            this.root.hidden = !name;
            for (const [key, element] of Object.entries(this.buttons)) element.classList.toggle("chosen", key === name);
            this.refresh();
            window.dispatchEvent(new Event("resize")); // the slots have another height now
            this.page.writeUrlSoon();
            if (!ask || (name !== "layers" && before !== "layers")) return;
            if (name === "layers" && attack.done) attack.running = true; // its steps are taken once more, and followed
            this.changed();
        }

        // Everything that belongs to the open figure
        refresh() {
            if (!this.open) return;
            const save = ["svg", "png"].map((format) => button(format.toUpperCase(), `Save this figure as ${format.toUpperCase()}`, () => this.save(format)));
            const csv = this.open === "curve" ? [button("CSV", "Save the values as CSV", () => this.saveValues())] : [];
            this.bar.replaceChildren(make("h2", { textContent: FIGURES[this.open][0], title: FIGURES[this.open][1] }), ...this[`${this.open}Tools`]());
            this.savers.replaceChildren(...csv, ...save);
            this.draw();
        }

        // ---- layers --------------------------------------------------------------------------------------------

        layersTools() {
            this.root.classList.remove("old");
            return [];
        }

        // look: how the attack stands in an answer, or null
        note(look, state) {
            if (this.open && this.open !== "layers") this.showJob();
            if (!state.attack) {
                if (!this.layers) return;
                this.layers = null;
                this.drawn = {};
            } else if (look && look.layers) {
                this.layers = { figure: look.layers.figure, notes: [look.layers.note] };
                this.drawn = { of: what(state.attack, state.scene), steps: look.done };
            } else return;
            if (this.open === "layers") this.draw();
        }

        // ---- jobs ----------------------------------------------------------------------------------------------

        modelsTools() {
            return this.running("Compare", "models", () => ({}));
        }

        curveTools() {
            const { curve, page } = this;
            const { values } = page.attack;
            const number = (key, words, title, min, max, placeholder = "") => {
                const field = make("input", { type: "number", min, max, step: key === "most" ? "any" : 1, value: curve[key] ?? "", placeholder, id: `attack-curve-${key}` });
                field.addEventListener("change", () => (curve[key] = Number(field.value) || (key === "most" ? null : curve[key])));
                return make("label", { title }, words, field);
            };
            const sources = [["scene", "this scene"], ["variations", "variations"], ...(page.facts.examples ? [["folder", "labelled pictures"]] : [])];
            const pictures = make("select", { id: "attack-curve-pictures", title: "Over which pictures" });
            pictures.setAttribute("aria-label", "Pictures of the curve");
            pictures.append(...sources.map(([value, textContent]) => make("option", { value, textContent })));
            pictures.value = curve.pictures;
            pictures.addEventListener("change", () => {
                curve.pictures = pictures.value;
                this.refresh();
            });
            const automatic = make("input", { type: "checkbox", checked: curve.autoattack, id: "attack-curve-autoattack" });
            automatic.addEventListener("change", () => {
                curve.autoattack = automatic.checked;
                this.refresh();
            });
            const title = "The standard AutoAttack in place of PGD, for numbers that must stand in a paper: L2 and L∞ only, and some hundred times as long";
            return [
                pictures,
                ...(curve.pictures === "scene" ? [] : [number("count", "", "How many pictures", 1, 256)]),
                number("most", "ε up to", "The largest ε; empty: twice the panel’s", 0, "", String(this.most())),
                number("points", "in", "How many values of ε, 0 and the largest included", 2, 33),
                ...(curve.autoattack ? [] : [number("steps", "steps", `Steps of ${values.norm === "l0" ? "sparse PGD" : "PGD, of ε/8 each"}`, 1, 200)]),
                make("label", { title }, automatic, "AutoAttack"),
                ...this.running("Compute", "curve", () => ({ curve: { ...curve, most: curve.most ?? this.most() } })),
            ];
        }

        most() {
            const { epsilon, norm } = this.page.attack.values;
            return norm === "linf" ? Math.min(1, Number((2 * epsilon).toPrecision(3))) : 2 * epsilon;
        }

        // A button that orders a job or cancels it, and how far it has come
        running(words, name, more) {
            const go = button(words, "", () => (under(this.jobs[name]) ? this.cancel(name) : this.order(name, more())), "use");
            this.job = { words, go, bar: make("progress"), said: make("span", { className: "about" }) };
            this.showJob();
            return [go, this.job.bar, this.job.said];
        }

        showJob() {
            const { words, go, bar, said } = this.job;
            const job = this.jobs[this.open];
            const runs = under(job);
            const old = Boolean(job && job.figure) && job.of !== this.subject(this.open);
            go.textContent = runs ? "Cancel" : words;
            bar.hidden = !runs;
            if (runs) Object.assign(bar, { max: job.steps, value: job.done });
            const over = !job ? "" : job.state !== "done" ? job.error || job.state || "" : old ? "of an earlier scene, attack or choice of models" : job.about || "";
            said.textContent = said.title = runs ? (job.done ? `${job.done} of ${job.steps}` : "waits for its turn") : over;
            this.root.classList.toggle("old", old);
        }

        // What a job is about: where it has changed, its figure is an old one.
        subject(name) {
            const { attack, control, slots } = this.page;
            const { norm, randomStart, seed } = attack.values;
            const how = name === "models" ? attack.whole().split(";")[0] : `${norm} ${randomStart} ${seed}`;
            return JSON.stringify([control.changes(), slots.filter((s) => !s.vacant && !s.hidden).map((s) => s.model), how]);
        }

        async order(name, more) {
            const { page } = this;
            const of = this.subject(name);
            const response = await window.perturber.post(`/attack/${name}`, { ...page.request(), attack: page.attack.whole(), ...more });
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            window.perturber.notice("");
            this.jobs[name] = { of };
            this.follow(name, await response.json());
        }

        // The job that a link names
        async recall(name, id) {
            const response = await window.perturber.get(`/attack/job/${id}`);
            this.jobs[name] = { of: this.subject(name) };
            if (response.ok) this.follow(name, await response.json());
            else window.perturber.notice(await window.perturber.sentence(response));
        }

        async follow(name, job) {
            const { job: id } = job;
            this.take(name, job);
            this.page.writeUrlSoon();
            while (under(this.jobs[name])) {
                await new Promise((resolve) => setTimeout(resolve, POLL_MS));
                if (!this.alive || this.jobs[name].job !== id) return;
                const response = await window.perturber.get(`/attack/job/${id}?have=${encodeURIComponent(this.jobs[name].have)}`);
                if (response.status === 503) continue; // it comes back
                if (!this.alive || this.jobs[name].job !== id) return;
                const next = response.ok ? await response.json() : { job: id, state: "failed", error: await window.perturber.sentence(response) };
                this.take(name, next);
            }
        }

        // What an answer does not repeat stays.
        take(name, job) {
            this.jobs[name] = { ...this.jobs[name], ...job };
            if (this.open !== name) return;
            this.showJob();
            this.draw();
        }

        async cancel(name) {
            const response = await window.perturber.post(`/jobs/${this.jobs[name].job}/cancel`, {});
            if (!response.ok) window.perturber.notice(await window.perturber.sentence(response));
        }

        // ---- what is shown -------------------------------------------------------------------------------------

        draw() {
            if (!this.open || !this.alive) return;
            if (!window.Plotly) return setTimeout(() => this.draw(), POLL_MS);
            const shown = this.open === "layers" ? this.layers : this.jobs[this.open];
            const { figure = null, notes = [], pictures = [] } = shown || {};
            this.root.classList.toggle("drawn", figure !== null);
            this.hint.textContent = figure ? "" : under(shown) ? "The models are being attacked …" : EXPLAINED[this.open];
            this.aside.replaceChildren(...notes.map((textContent) => make("p", { textContent })));
            this.pictures.replaceChildren(...pictures.map(({ picture, words, title }) => make("figure", { title }, make("img", { src: picture, alt: `${words}: perturbation, amplified` }), make("figcaption", { textContent: words }))));
            const { clientWidth: width, clientHeight: height } = this.plot;
            if (figure && width && height) window.Plotly.react(this.plot, figure.data, { ...figure.layout, width, height }, { displayModeBar: false });
            else if (!figure && this.plot.data) window.Plotly.purge(this.plot);
        }

        save(format) {
            if (this.plot.data) window.Plotly.downloadImage(this.plot, { format, filename: `attack-${this.open}`, width: 900, height: 320, scale: format === "png" ? 4 : 1 });
        }

        saveValues() {
            const { curve } = this.jobs;
            if (curve && curve.figure) make("a", { href: `/attack/job/${curve.job}.csv`, download: "robustness.csv" }).click();
        }
    }

    window.perturber.AttackFigures = AttackFigures;
})();
