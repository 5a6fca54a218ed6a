// What lies below the slots of the Checkpoints page: curves over the training, and small multiples of its checkpoints.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const POLL_MS = 500;
    const SETTLE_MS = 250;
    const TABS = {
        curves: ["Curves", "Errors, predictions and correlations over the training"],
        pictures: ["Feature visualisations", "What the chosen channels look for, at each checkpoint"],
        maps: ["Activations", "What the chosen channels answer to the scene, at each checkpoint"],
        kernels: ["Filters", "The first layer’s filters, at each checkpoint"],
    };
    const PANELS = {
        errors: ["Errors", "Share of pictures taken for something else, from the training’s log"],
        predictions: ["Prediction for the scene", "Probability of the classes that any checkpoint finds most probable"],
        activations: ["Activations: correlation with the first checkpoint", "Pearson correlation of each channel’s activations before the non-linearity, mean over channels: one line a layer, the chosen one red"],
        weights: ["Weights: correlation with the first checkpoint", "Pearson correlation of each layer’s weights, without biases and normalisations: one line a layer, the chosen one red"],
    };
    const OPEN = ["waiting", "running"];
    const make = (kind, props = {}, ...children) => {
        const element = Object.assign(document.createElement(kind), props);
        element.append(...children);
        return element;
    };
    const find = (selector) => document.querySelector(`.checkpoints ${selector}`);
    const labelled = (words, ...elements) => make("label", {}, words, ...elements);
    const select = (id, options, value, title, chosen) => {
        const menu = make("select", { id: `checkpoints-${id}`, title });
        menu.setAttribute("aria-label", title);
        menu.append(...options.map(([value, textContent]) => make("option", { value, textContent })));
        menu.value = value;
        menu.addEventListener("change", () => chosen(menu.value));
        return menu;
    };

    class CheckpointTabs {
        constructor(page) {
            Object.assign(this, { page, panels: {}, job: null, open: null, turns: { over: 0, curves: 0 }, asked: {} });
            this.body = find(".panels");
            this.hint = find(".tab .hint");
            this.askSoon = window.perturber.later(SETTLE_MS, () => this.alive && this.ask());
            this.explore = make("a", { className: "quiet", textContent: "Explore", title: "Both checkpoints on Explore, with this scene" });
            this.compare = make("a", { className: "quiet", textContent: "Compare", title: "Both checkpoints on Compare, with this scene" });
            this.tools = make("span", { className: "common" });
            find(".tabs").replaceChildren(
                ...Object.entries(TABS).map(([tab, [words, title]]) => {
                    const button = make("button", { className: "tab-button", textContent: words, title, id: `checkpoints-tab-${tab}` });
                    button.setAttribute("role", "tab");
                    button.addEventListener("click", () => page.set({ tab }));
                    return button;
                }),
                make("span", { className: "pair" }, "Open both in", this.explore, this.compare),
            );
        }

        get alive() {
            return this.body.isConnected;
        }

        links({ explore, compare }) {
            this.explore.href = explore;
            this.compare.href = compare;
        }

        // The controls of the open tab, and its empty panels.
        show() {
            const { state } = this.page;
            for (const tab of Object.keys(TABS)) document.getElementById(`checkpoints-tab-${tab}`).setAttribute("aria-selected", tab === state.tab);
            const focused = document.activeElement && document.activeElement.id;
            find(".tools").replaceChildren(...this.common(), ...this[`${state.tab}Tools`]());
            if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
            const open = `${state.tab} ${this.page.slot.name}`;
            if (this.open !== open) {
                this.open = open;
                this.asked = {};
                this.build();
            }
            if (state.tab === "pictures") this.showPictures();
        }

        // What every tab shows: whose, which layer, which channels.
        common() {
            const { page } = this;
            const { state, series } = page;
            const whose = select("of", [[1, "Model 1"], [2, "Model 2"]], state.of, "Whose checkpoints these are", (value) => page.set({ of: Number(value) }));
            const names = Object.entries(series.layers).map(([layer, [c, h, w]]) => [layer, `${layer}  ·  ${c} ch, ${h}×${w}`]);
            const layer = select("layer", names, state.layer, "Layer", (value) => page.set({ layer: value }));
            const channels = make("input", { id: "checkpoints-channels", value: state.channels.join(", "), spellcheck: false, title: `1 to ${page.facts.neurons} channels` });
            channels.addEventListener("change", () => {
                const found = window.perturber.parseChannels(channels.value);
                const [count] = series.layers[state.layer];
                const right = found && found.length >= 1 && found.length <= page.facts.neurons && found.every((c) => c < count);
                window.perturber.notice(right ? "" : `“${channels.value.slice(0, 40)}” are not 1 to ${page.facts.neurons} channels from 0 to ${count - 1}.`);
                if (right) page.set({ channels: [...new Set(found)] });
                else channels.value = state.channels.join(", ");
            });
            return [whose, labelled("Layer", layer), labelled("Channels", channels)];
        }

        build() {
            const { tab } = this.page.state;
            this.watch?.disconnect();
            this.watch = new ResizeObserver(() => this.alive && Object.values(this.panels).forEach(({ plot }) => plot.data && window.Plotly.Plots.resize(plot)));
            this.panels = {};
            this.job = null;
            this.say("");
            this.body.className = `panels of-${tab}`;
            if (tab === "pictures") return this.body.replaceChildren(make("div", { className: "multiples" }));
            const panels = tab === "curves" ? PANELS : { [tab]: TABS[tab] };
            this.body.replaceChildren(...Object.entries(panels).map(([name, words]) => this.panel(name, words)));
        }

        panel(name, [words, title]) {
            const plot = make("div", { className: "plot" });
            const note = make("p", { className: "empty", textContent: "…" });
            const save = ["svg", "png"].map((format) => {
                const button = make("button", { className: "quiet", textContent: format.toUpperCase(), title: `Save this figure as ${format.toUpperCase()}` });
                button.addEventListener("click", () => plot.data && download(plot, format, `checkpoints-${name}`, plot.clientWidth, plot.clientHeight));
                return button;
            });
            this.panels[name] = { plot, note };
            this.watch.observe(plot);
            return make("figure", { className: "panel" }, ...(name in PANELS ? [make("figcaption", { title, textContent: words })] : []), make("div", { className: "figure" }, plot, note, make("span", { className: "save" }, ...save)));
        }

        // figure: null where there is none, then the note says why
        draw(name, figure, words = "") {
            const { plot, note } = this.panels[name] || {};
            if (!plot) return;
            note.textContent = figure ? "" : words;
            if (!figure) return plot.data && window.Plotly.purge(plot);
            const layout = { ...figure.layout, autosize: true };
            if (this.page.state.tab === "curves") layout.shapes = this.lines();
            window.Plotly.react(plot, figure.data, layout, { displayModeBar: false, responsive: false });
        }

        say(...words) {
            this.hint.replaceChildren(...words.filter(Boolean).map((textContent) => make("p", { textContent })));
        }

        // ---- the slider's place ---------------------------------------------------------------------------------

        // Where the sliders of this series stand: a line through all curves.
        lines() {
            const { slots, slot, facts } = this.page;
            const here = slots.filter(({ name }) => name === slot.name);
            return here.map(({ at, number }) => ({ type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: facts.colours[number], width: 2, dash: "dot" } }));
        }

        point() {
            const { tab } = this.page.state;
            if (tab === "curves") {
                const shapes = this.lines();
                for (const { plot } of Object.values(this.panels)) if (plot.data) window.Plotly.relayout(plot, { shapes });
            }
            if (tab === "pictures") this.mark();
        }

        mark() {
            const { at } = this.page.slot;
            this.body.querySelectorAll("[data-column]").forEach((cell) => cell.classList.toggle("here", Number(cell.dataset.column) === at));
        }

        // ---- what is asked for ----------------------------------------------------------------------------------

        follow() {
            this.point();
            this.askSoon();
        }

        // What the open tab needs and has not asked for yet.
        ask() {
            const { tab, of, layer, channels, pictures, count } = this.page.state;
            const { name } = this.page.slot;
            const { scene } = this.page.request();
            const wants = { maps: [scene, name, layer, channels], curves: [scene, name], kernels: [name] }[tab];
            if (wants) this.once("over", [tab, ...wants], () => this.askOver());
            if (tab === "curves") this.once("curves", [of, name, layer, pictures, count, pictures === "scene" && scene], () => this.askCurves(false));
        }

        once(what, wants, action) {
            const text = JSON.stringify(wants);
            if (this.asked[what] === text) return;
            this.asked[what] = text;
            action();
        }

        // What all checkpoints make of the scene, or their filters.
        async askOver() {
            const { tab } = this.page.state;
            const { open } = this;
            const turn = ++this.turns.over;
            const response = await window.perturber.post("/checkpoints/over", { ...this.page.request(), client: window.perturber.gate.client });
            if (turn !== this.turns.over || !this.alive || open !== this.open || response.status === 204) return;
            const name = tab === "curves" ? "predictions" : tab;
            if (!response.ok) return this.draw(name, null, await window.perturber.sentence(response));
            const { figure, note } = await response.json();
            if (turn !== this.turns.over || !this.alive || open !== this.open) return;
            this.draw(name, figure, note);
            if (tab !== "curves") this.say(figure && note);
        }

        async askCurves(order) {
            clearTimeout(this.timer);
            const { open } = this;
            const turn = ++this.turns.curves;
            const response = await window.perturber.post("/checkpoints/curves", { ...this.page.request(), order });
            if (turn !== this.turns.curves || !this.alive || open !== this.open) return;
            const words = response.ok ? "" : await window.perturber.sentence(response);
            this.job = response.ok ? await response.json() : { state: "failed", error: words };
            if (turn !== this.turns.curves || !this.alive || open !== this.open) return;
            const { errors, note, state, error, activations, weights, samples } = this.job;
            this.draw("errors", errors, note || words);
            const why = { none: "They are not computed for these pictures yet; choose Compute.", waiting: "It waits for its turn …", running: "The pictures are made and shown to the checkpoints …", cancelled: "It was cancelled.", failed: error }[state];
            this.draw("activations", activations, why);
            this.draw("weights", weights, why);
            this.say(samples && `Correlations over ${samples}. ${this.about()}`);
            this.showJob();
            if (this.under) this.timer = setTimeout(() => turn === this.turns.curves && this.alive && this.askCurves(false), POLL_MS);
        }

        // ---- tools ----------------------------------------------------------------------------------------------

        // Which pictures the correlations are taken over.
        about() {
            const { state, facts } = this.page;
            if (state.pictures === "examples") return "Pictures of the configured folder of examples, evenly spread.";
            return `The scene and random variations of it, the same ones each time (seed 0): ${facts.variation}.`;
        }

        curvesTools() {
            const { state, facts } = this.page;
            const [least, most] = facts.counts;
            const count = make("input", { type: "number", id: "checkpoints-count", className: "count", value: state.count, min: least, max: most, title: `${least} to ${most}` });
            count.addEventListener("change", () => {
                const number = Math.round(Number(count.value));
                if (number >= least && number <= most) return this.page.set({ count: number });
                window.perturber.notice(`“${count.value}” is not a whole number from ${least} to ${most}.`);
                count.value = state.count;
            });
            const sources = [["scene", "variations of the scene"], ...(facts.examples ? [["examples", "example pictures"]] : [])];
            const source = select("pictures", sources, state.pictures, this.about(), (value) => this.page.set({ pictures: value }));
            this.button = make("button", { className: "use", id: "checkpoints-compute" });
            this.button.addEventListener("click", () => (this.under ? this.cancel([this.job.id]) : this.askCurves(true)));
            this.bar = make("progress", { max: 1, value: 0 });
            this.showJob();
            return [labelled("Over", count), source, this.button, this.bar];
        }

        get under() {
            return this.job && OPEN.includes(this.job.state);
        }

        showJob() {
            if (this.page.state.tab !== "curves") return;
            this.button.textContent = this.under ? "Cancel" : "Compute";
            this.button.disabled = !this.job || this.job.state === "done";
            this.bar.hidden = !this.under;
            if (this.under) Object.assign(this.bar, { max: this.job.steps, value: this.job.done });
        }

        mapsTools() {
            return [];
        }

        kernelsTools() {
            return [];
        }

        picturesTools() {
            const { page } = this;
            const { state } = page;
            const kinds = [["", "Fourier coefficients"], ["yes", "pixels (naive)"]];
            const naive = select("naive", kinds, state.naive ? "yes" : "", "Parameterisation: what is optimised", (value) => page.set({ naive: value === "yes" }));
            const objective = select("objective", [["neuron", "neuron"], ["channel", "channel"]], state.objective, "Objective: the unit in the middle, or the whole channel", (value) => page.set({ objective: value }));
            this.makeButton = make("button", { className: "use", id: "checkpoints-make" });
            this.makeButton.addEventListener("click", () => {
                const { jobs } = this.made();
                if (jobs.length) this.cancel(jobs);
                else page.askPictures(true);
            });
            this.makeBar = make("progress", { max: 1, value: 0 });
            const save = ["svg", "png"].map((format) => {
                const button = make("button", { className: "quiet", textContent: format.toUpperCase(), title: `Save all of them as one figure, as ${format.toUpperCase()}` });
                button.addEventListener("click", () => this.save(format));
                return button;
            });
            return [naive, objective, this.makeButton, this.makeBar, make("span", { className: "saves" }, ...save)];
        }

        // ---- feature visualisations -----------------------------------------------------------------------------

        made() {
            const states = (this.page.visuals[this.page.slot.name] || []).flat();
            const jobs = [...new Set(states.filter(({ state }) => OPEN.includes(state)).map(({ job }) => job))].filter(Boolean);
            const done = states.reduce((sum, { state, done, steps }) => sum + (state === "done" ? 1 : done / (steps || 1)), 0);
            return { states, jobs, done };
        }

        showPictures() {
            const { state, series, slot, visuals } = this.page;
            if (state.tab !== "pictures" || !this.alive) return;
            const { states, jobs, done } = this.made();
            const missing = states.filter(({ state }) => state !== "done").length;
            this.makeButton.textContent = jobs.length ? "Cancel" : states.length && !missing ? "All made" : `Make ${missing || "them"}`;
            this.makeButton.disabled = !states.length || !missing;
            this.makeBar.hidden = !jobs.length;
            Object.assign(this.makeBar, { max: states.length || 1, value: done });
            const table = this.body.querySelector(".multiples");
            const shown = JSON.stringify([slot.name, state.layer, state.channels]);
            if (table.dataset.shown !== shown) {
                table.dataset.shown = shown;
                table.style.setProperty("--columns", series.moments.length);
                table.style.setProperty("--rows", state.channels.length);
                const heads = series.moments.map(({ step }, n) => cell("head", n, `step ${step}`));
                const rows = state.channels.flatMap((channel) => [make("span", { className: "name", textContent: channel, title: `${state.layer}:${channel}` }), ...series.moments.map((_, n) => cell("picture", n))]);
                table.replaceChildren(make("span", { className: "name" }), ...heads, ...rows);
            }
            const cells = table.querySelectorAll(".picture");
            state.channels.forEach((channel, i) =>
                series.moments.forEach(({ step }, n) => {
                    const found = ((visuals[slot.name] || [])[n] || [])[i];
                    window.perturber.showMade(cells[i * series.moments.length + n], found, `Feature visualisation of ${state.layer}:${channel}, step ${step}`);
                }),
            );
            this.mark();
        }

        async save(format) {
            const response = await window.perturber.post("/checkpoints/figure", this.page.request());
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            const { channels } = this.page.state;
            const side = 128;
            await download(await response.json(), format, "checkpoints-feature-visualisations", side * this.page.series.moments.length + 120, side * channels.length + 40);
        }

        async cancel(jobs) {
            for (const job of jobs) await window.perturber.post(`/jobs/${job}/cancel`, {});
            if (this.page.state.tab === "curves") this.askCurves(false);
            else this.page.askPictures();
        }
    }

    function cell(className, column, textContent = "") {
        const element = make("div", { className, textContent });
        element.dataset.column = column;
        return element;
    }

    const download = (figure, format, filename, width, height) => window.Plotly.downloadImage(figure, { format, filename, width, height, scale: format === "png" ? 4 : 1 });

    window.perturber.CheckpointTabs = CheckpointTabs;
})();
