// What lies below the columns of the Compare page: channels, divergence along the depth, and what jobs compute.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const POLL_MS = 400;
    const JOBS = ["cka", "same"];
    const TABS = {
        channels: ["Channels", "The same channels of A and B, and their difference"],
        depth: ["Depth", "Where do the networks begin to disagree?"],
        cka: ["CKA", "How alike are the layers of A and B over many pictures?"],
        same: ["Same channel?", "Which channel of A answers like which of B?"],
    };
    const EXPLAINED = {
        depth: "1 − cosine is 0 where activations point the same way, whatever their size; the relative distance ‖x − A‖ / ‖A‖ is 0 only where they are the same. Layers lie in the order of computation. A click on a point opens its layer’s channels.",
        cka: "Linear centred kernel alignment (Kornblith et al. 2019): 1 where two layers represent the pictures alike up to rotation and scale, 0 where they have nothing in common. Maps are average-pooled to at most 7 × 7. Over few pictures all layers look alike. A click opens the channels of two layers.",
        same: "Pearson correlation of activations over all pictures and positions. Where the features of two networks are aligned, the diagonal is red.",
    };
    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);
    const find = (selector) => document.querySelector(`.compare ${selector}`);

    class CompareTabs {
        constructor(page) {
            Object.assign(this, { page, drawn: null, turn: 0, timer: null, job: null, have: null, planeWaits: false });
            this.plot = find(".plot");
            this.hint = find(".tab .hint");
            this.aside = find(".aside");
            this.asked = window.perturber.later(250, () => this.alive && this.ask(false));
            find(".tabs").replaceChildren(...Object.entries(TABS).map(([tab, [words, title]]) => {
                const button = make("button", { className: "tab-button", textContent: words, title, id: `compare-tab-${tab}` });
                button.setAttribute("role", "tab");
                button.addEventListener("click", () => page.set({ tab }));
                return button;
            }), this.pair());
            find(".tab .save").replaceChildren(...["svg", "png"].map((format) => {
                const button = make("button", { className: "quiet", textContent: format.toUpperCase(), title: `Save this figure as ${format.toUpperCase()}` });
                button.addEventListener("click", () => this.save(format));
                return button;
            }));
            new ResizeObserver(() => this.plot.data && this.alive && window.Plotly.Plots.resize(this.plot)).observe(this.plot);
        }

        get alive() {
            return this.plot.isConnected;
        }

        // Which columns are A and B.
        pair() {
            const place = make("span", { className: "pair" });
            this.sides = ["a", "b"].map((side) => {
                const menu = make("select", { id: `compare-${side}` });
                menu.setAttribute("aria-label", `Model ${side.toUpperCase()}`);
                menu.addEventListener("change", () => {
                    const value = Number(menu.value);
                    const { a, b } = this.page.state;
                    const other = side === "a" ? "b" : "a";
                    const swap = value === this.page.state[other];
                    this.page.set({ [side]: value, ...(swap ? { [other]: side === "a" ? a : b } : {}) });
                });
                const label = make("label", { title: `The column that is ${side.toUpperCase()}` });
                label.append(side.toUpperCase(), menu);
                place.append(label);
                return menu;
            });
            return place;
        }

        // The controls of the open tab.
        show() {
            const { state } = this.page;
            for (const tab of Object.keys(TABS)) {
                const button = document.getElementById(`compare-tab-${tab}`);
                button.setAttribute("aria-selected", tab === state.tab);
            }
            ["a", "b"].forEach((side, i) => {
                this.sides[i].replaceChildren(...state.models.map((model, n) => make("option", { value: n + 1, textContent: `${n + 1} · ${this.page.name(model)}` })));
                this.sides[i].value = state[side];
            });
            const focused = document.activeElement && document.activeElement.id;
            find(".tools").replaceChildren(...this[`${state.tab}Tools`]());
            if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
            if (this.drawn && this.drawn !== state.tab) this.clear();
        }

        clear(sentence = "") {
            this.drawn = this.have = this.listens = null; // a purged plot has forgotten who listens
            if (this.plot.data) window.Plotly.purge(this.plot);
            this.say(sentence);
            this.aside.replaceChildren();
            find(".tab").classList.remove("drawn");
        }

        say(sentence, ...more) {
            this.hint.replaceChildren(...(sentence ? [make("p", { textContent: sentence })] : []), ...more);
        }

        figure(figure, tab) {
            this.drawn = tab;
            this.say("");
            find(".tab").classList.add("drawn");
            window.Plotly.react(this.plot, figure.data, { ...figure.layout, autosize: true }, { displayModeBar: false, responsive: false });
            if (!this.listens) this.plot.on("plotly_click", ({ points }) => this.clicked(points[0]));
            this.listens = true;
        }

        // A point of the depth, or a pair of layers, leads to its channels.
        clicked({ x, y }) {
            const { tab } = this.page.state;
            if (tab === "depth") this.page.set({ tab: "channels", layer: x });
            else if (tab === "cka") this.page.set({ tab: "same", layer: y, other: x });
        }

        // answer: of a look; state: what was asked for, which the user may have changed since
        draw(answer, state) {
            if (state.tab !== this.page.state.tab || JOBS.includes(state.tab)) return;
            if (!answer.figure) {
                this.clear();
                const cka = make("button", { className: "use", textContent: "Compare their layers by CKA" });
                cka.addEventListener("click", () => this.page.set({ tab: "cka" }));
                return this.say(answer.note, cka);
            }
            this.figure(answer.figure, state.tab);
            if (state.tab === "channels") this.showMost(answer, state);
            else this.aside.replaceChildren(make("h2", { textContent: "Where they part" }), ...answer.note.split("\n").map((textContent) => make("p", { className: "result", textContent })), make("p", { className: "about", textContent: EXPLAINED.depth }));
        }

        // ---- channels -----------------------------------------------------------------------------------------

        channelsTools() {
            const { page } = this;
            const field = make("input", { id: "compare-channels", value: page.state.channels.join(", "), spellcheck: false });
            field.addEventListener("change", () => {
                const channels = window.perturber.parseChannels(field.value);
                const [count] = page.model(page.state.a).layers[page.state.layer];
                if (!channels || channels.length > page.facts.neurons || channels.some((c) => c >= count)) {
                    window.perturber.notice(`“${field.value.slice(0, 40)}” are not 1 to ${page.facts.neurons} channels from 0 to ${count - 1}.`);
                    field.value = page.state.channels.join(", ");
                } else {
                    window.perturber.notice("");
                    page.set({ channels: [...new Set(channels)] });
                }
            });
            const number = this.number("compare-number", page.state.channels.length, 1, page.facts.neurons, (value) => page.set({ channels: this.some(value) }));
            const most = make("button", { className: "quiet", textContent: "Show those that differ most", id: "compare-most" });
            most.addEventListener("click", () => {
                const list = page.displayed ? page.displayed.answer.most : [];
                if (list.length) page.set({ channels: list.slice(0, page.state.channels.length).map(([channel]) => channel) });
            });
            const labels = [["Layer", this.layers("layer", "a")], ["Count", number], ["Channels", field]];
            return [...labels.map(([words, element]) => labelled(words, element)), most];
        }

        // As many channels: the first ones of those that are shown, then the next ones.
        some(count) {
            const { state } = this.page;
            const [all] = this.page.model(state.a).layers[state.layer];
            const channels = state.channels.slice(0, count);
            for (let next = 0; channels.length < Math.min(count, all); next++) if (!channels.includes(next)) channels.push(next);
            return channels;
        }

        layers(key, side) {
            const { page } = this;
            const menu = make("select", { id: `compare-${key}`, className: "layer-menu" });
            const { layers } = page.model(page.state[side]);
            menu.append(...Object.entries(layers).map(([layer, [c, h, w]]) => make("option", { value: layer, textContent: `${layer}  ·  ${c} ch, ${h}×${w}` })));
            menu.value = page.state[key];
            menu.addEventListener("change", () => page.set({ [key]: menu.value }));
            return menu;
        }

        showMost({ most, note }, state) {
            const { page } = this;
            const list = make("ol");
            list.append(...most.map(([channel, size]) => {
                const shown = state.channels.includes(channel);
                const button = make("button", { className: shown ? "shown" : "", title: shown ? "Shown; a click takes it away" : "Show this channel: click" });
                button.style.setProperty("--share", `${(size / (most[0][1] || 1)) * 100}%`);
                button.append(make("span", { textContent: channel }), make("span", { textContent: size.toPrecision(3) }));
                button.addEventListener("click", () => this.toggle(channel));
                const item = make("li");
                item.append(button);
                return item;
            }));
            const scroll = this.aside.querySelector("ol")?.scrollTop || 0;
            this.aside.replaceChildren(make("h2", { textContent: "Differ most now" }), make("p", { className: "about", textContent: note || "Channel, mean |A − B|" }), list);
            list.scrollTop = scroll;
        }

        toggle(channel) {
            const { state, facts, set } = this.page;
            const without = state.channels.filter((other) => other !== channel);
            if (without.length === state.channels.length) set({ channels: [...without.slice(0, facts.neurons - 1), channel] });
            else if (without.length) set({ channels: without });
        }

        depthTools() {
            return [make("span", { className: "about", textContent: "Every model of A’s architecture, compared with A layer by layer for this picture" })];
        }

        // ---- jobs ---------------------------------------------------------------------------------------------

        ckaTools() {
            return [...this.batch(), ...this.running()];
        }

        sameTools() {
            const order = make("select", { id: "compare-matched" });
            order.append(make("option", { value: "", textContent: "B by number" }), make("option", { value: "yes", textContent: "B by best partner" }));
            order.value = this.page.state.matched ? "yes" : "";
            order.addEventListener("change", () => this.page.set({ matched: order.value === "yes" }));
            const layers = [labelled("A", this.layers("layer", "a")), labelled("B", this.layers("other", "b"))];
            order.title = "Order of B’s channels: if only their order differs, that by best partner shows a diagonal";
            return [...layers, order, ...this.batch(), ...this.running()];
        }

        batch() {
            const { state, facts, set } = this.page;
            const count = this.number("compare-count", state.count, ...facts.pictures, (value) => set({ count: value }));
            const words = this.pictures();
            if (!facts.examples) return [labelled("Over", count), make("span", { className: "about of", textContent: "variations", title: words })];
            const source = make("select", { id: "compare-pictures", title: words });
            source.append(make("option", { value: "scene", textContent: "variations" }), make("option", { value: "examples", textContent: "example pictures" }));
            source.value = state.pictures;
            source.addEventListener("change", () => set({ pictures: source.value }));
            return [labelled("Over", count), source];
        }

        // Over which pictures a job compares.
        pictures() {
            const { state, facts } = this.page;
            if (state.pictures === "examples") return "Pictures of the configured folder of examples, evenly spread.";
            return `This scene and random variations of it, the same ones each time (seed 0): ${facts.variation}.`;
        }

        running() {
            this.button = make("button", { className: "use", textContent: "Compute", id: "compare-compute" });
            this.button.addEventListener("click", () => (this.under ? this.cancel() : this.ask(true)));
            this.bar = make("progress", { max: 1, value: 0 });
            this.steps = make("span", { className: "about steps" });
            this.showJob();
            return [this.button, this.bar, this.steps];
        }

        get under() {
            return this.job && ["waiting", "running"].includes(this.job.state);
        }

        waitForPlane(waits) {
            if (this.planeWaits === waits) return;
            this.planeWaits = waits;
            this.showJob();
        }

        showJob() {
            if (!this.button || !JOBS.includes(this.page.state.tab)) return;
            const { job } = this;
            this.button.textContent = this.under ? "Cancel" : "Compute";
            this.button.disabled = this.planeWaits || !job || job.state === "done";
            this.button.title = this.planeWaits ? "The feature visualisation on the plane is not finished" : "";
            this.bar.hidden = !this.under;
            if (this.under) Object.assign(this.bar, { max: job.steps, value: job.done });
            const words = { waiting: "waits for its turn", done: "done", cancelled: "cancelled", failed: "failed" };
            this.steps.textContent = !job ? "" : this.under && job.done ? `${job.done} of ${job.steps} steps` : words[job.state] || "";
        }

        // The state has changed: is what it means computed already?
        follow() {
            if (!JOBS.includes(this.page.state.tab)) {
                this.job = null;
                this.turn++;
            } else this.asked();
        }

        async ask(order) {
            const { tab } = this.page.state;
            if (!JOBS.includes(tab)) return;
            clearTimeout(this.timer);
            const turn = ++this.turn;
            const response = await window.perturber.post("/compare/job", { ...this.page.request(), order, have: this.have });
            if (turn !== this.turn || !this.alive || tab !== this.page.state.tab) return;
            if (!response.ok) {
                this.job = { state: "none" };
                this.showJob();
                return this.clear(await window.perturber.sentence(response));
            }
            this.job = await response.json();
            this.showJob();
            this.drawJob(tab);
            if (this.under) this.timer = setTimeout(() => turn === this.turn && this.alive && this.ask(false), POLL_MS);
        }

        drawJob(tab) {
            const { id, state, figure, note, error, have } = this.job;
            if (figure) {
                this.have = have;
                this.figure(figure, tab);
                this.aside.replaceChildren(make("h2", { textContent: tab === "cka" ? "Layers" : "Channels" }), make("p", { className: "result", textContent: note }), ...[EXPLAINED[tab], this.pictures()].map((textContent) => make("p", { className: "about", textContent })));
            } else if (!this.have || !this.have.startsWith(`${id} `) || ["cancelled", "failed"].includes(state)) {
                const words = { none: TABS[tab][1], waiting: "It waits for its turn …", running: "The pictures are made and shown to both networks …", cancelled: "It was cancelled.", failed: error };
                this.clear(words[state] || "");
                if (state === "none")
                    this.hint.append(...[EXPLAINED[tab], this.pictures(), "It is not computed for this state yet; choose Compute."].map((textContent) => make("p", { className: "about", textContent })));
            }
        }

        async cancel() {
            const response = await window.perturber.post(`/jobs/${this.job.id}/cancel`, {});
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            this.ask(false);
        }

        // ---- parts --------------------------------------------------------------------------------------------

        number(id, value, min, max, change) {
            const field = make("input", { type: "number", id, value, min, max, className: "count", title: `${min} to ${max}` });
            field.addEventListener("change", () => {
                const number = Math.round(Number(field.value));
                if (number >= min && number <= max) return change(number);
                window.perturber.notice(`“${field.value}” is not a whole number from ${min} to ${max}.`);
                field.value = value;
            });
            return field;
        }

        save(format) {
            const { clientWidth: width, clientHeight: height } = this.plot;
            window.Plotly.downloadImage(this.plot, { format, filename: `compare-${this.drawn}`, width, height, scale: format === "png" ? 4 : 1 });
        }
    }

    function labelled(words, element) {
        const label = make("label");
        label.append(words, element);
        return label;
    }

    window.perturber.CompareTabs = CompareTabs;
})();
