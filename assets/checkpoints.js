// The Checkpoints page: two slots, each a slider over the checkpoints of a training. This file holds the page's state,
// its URL and the slots; checkpoint_tabs.js draws what lies below them.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const URL_EVERY_MS = 300;
    const PLAY_MS = 660;
    const POLL_MS = 600;
    const OPEN = ["waiting", "running"];
    const make = (kind, props = {}, ...children) => {
        const element = Object.assign(document.createElement(kind), props);
        element.append(...children);
        return element;
    };

    let page = null;

    class Checkpoints {
        constructor(facts) {
            this.facts = facts;
            const { slots, ...state } = facts.state;
            this.state = state;
            this.slots = slots.map((slot, number) => new Slot(this, number, slot));
            this.visuals = {}; // series → of each checkpoint, of each channel: where its feature visualisation stands
            this.turn = 0;
            this.control = new window.perturber.SceneControl("checkpoints", facts, {
                changed: () => this.publish(),
                model: () => this.slots[0].moment.model,
            });
            this.stage = this.control.stage;
            this.writeUrlSoon = window.perturber.later(URL_EVERY_MS, () => this.writeUrl());
            // Another visit to the page is another gate: an answer on its way to the last visit finds nobody.
            const gate = new window.perturber.Gate("/checkpoints/look", (...answer) => window.perturber.gate === gate && this.draw(...answer));
            window.perturber.gate = gate;
            this.tabs = new window.perturber.CheckpointTabs(this);
            this.show();
        }

        // The series that the tabs show, and the checkpoint of it that is pointed at.
        get slot() {
            return this.slots[this.state.of - 1];
        }

        get series() {
            return this.slot.series;
        }

        // Everything but the scene.
        chosen() {
            const [m1, m2] = this.slots.map(({ name, moment }) => `${name}@${moment.step}`);
            return { m1, m2, ...this.state };
        }

        request() {
            return { scene: this.control.changes(), ...this.chosen() };
        }

        // Change some of the state; what the model does not have is brought back to what it has.
        set(values) {
            const { state } = this;
            Object.assign(state, values);
            const { layers, defaultLayer } = this.series;
            if (!(state.layer in layers)) state.layer = defaultLayer;
            const [count] = layers[state.layer];
            if (state.channels.some((channel) => channel >= count)) state.channels = [...Array(Math.min(state.channels.length, count)).keys()];
            this.show();
            this.publish();
        }

        show() {
            if (this.wanted !== this.picturesKey()) this.visuals = {}; // they belong to something else
            this.slots.forEach((slot) => slot.show());
            this.tabs.show();
        }

        publish() {
            this.control.draw();
            const { m1, m2 } = this.chosen();
            window.perturber.gate.offer({ scene: this.control.changes(), m1, m2 });
            this.askPictures();
            this.tabs.follow();
            this.writeUrlSoon();
        }

        writeUrl() {
            if (!this.control.alive) return;
            const { channels, ...others } = this.chosen();
            const scene = Object.entries(this.control.changes());
            const query = (values) => new URLSearchParams(values).toString().replaceAll("%2C", ",").replaceAll("%40", "@");
            const url = `/checkpoints?${query([...scene, ...Object.entries(others), ["channels", channels.join(",")]])}`;
            history.replaceState(history.state, "", url);
            window.dash_clientside.set_props("link-checkpoints", { href: url });
            const models = this.slots.map(({ moment }, n) => [`m${n + 1}`, moment.model]);
            this.tabs.links({ explore: `/?${query([...scene, ...models])}`, compare: `/compare?${query([...scene, ...models])}` });
        }

        // Everything that is drawn here comes from one answer.
        draw(answer, state, sequence) {
            if (!this.control.alive) return;
            this.control.showAnswer(answer);
            answer.slots.forEach((slot, n) => this.slots[n].draw(slot));
            this.displayed = { state, sequence };
        }

        picturesKey() {
            const { layer, channels, naive, objective } = this.state;
            return JSON.stringify([this.slots.map(({ name }) => name), layer, channels, naive, objective]);
        }

        // Where the feature visualisations of both series stand; they are made only on the user's order.
        async askPictures(order = false) {
            const wanted = this.picturesKey();
            if (wanted === this.wanted && !order && !this.making) return;
            clearTimeout(this.timer);
            this.wanted = wanted;
            const turn = ++this.turn;
            const response = await window.perturber.post("/checkpoints/pictures", { ...this.request(), order });
            if (turn !== this.turn || !this.control.alive) return;
            if (!response.ok) {
                this.wanted = null;
                return window.perturber.notice(await window.perturber.sentence(response));
            }
            this.visuals = await response.json();
            if (turn !== this.turn || !this.control.alive) return;
            this.making = Object.values(this.visuals).flat(2).some(({ state }) => OPEN.includes(state));
            this.slots.forEach((slot) => slot.preview());
            this.tabs.showPictures();
            if (this.making) this.timer = setTimeout(() => this.askPictures(), POLL_MS);
        }
    }

    // A model's place in its training.
    class Slot {
        constructor(page, number, { series, step }) {
            Object.assign(this, { page, number, name: series, timer: null });
            this.place = this.series.moments.findIndex((moment) => moment.step === step); // committed
            this.at = this.place; // where the slider is
            this.frame = document.getElementById(`checkpoints-slot-${number}`);
            this.build();
        }

        get series() {
            return this.page.facts.series[this.name];
        }

        get moment() {
            return this.series.moments[this.place];
        }

        build() {
            const { facts } = this.page;
            const title = `Model ${this.number + 1}`;
            this.menu = make("select", { id: `checkpoints-series-${this.number + 1}`, title: `${title}: kind of training` });
            this.menu.setAttribute("aria-label", `${title}: kind of training`);
            this.menu.append(...Object.entries(facts.series).map(([value, { label, training }]) => make("option", { value, textContent: `${training} · ${label}` })));
            this.menu.addEventListener("change", () => this.choose(this.menu.value));
            this.frame.querySelector(".bar").append(this.menu);
            this.slider = make("input", { type: "range", min: 0, step: 1, id: `checkpoints-slider-${this.number + 1}` });
            this.slider.setAttribute("aria-label", `${title}: checkpoint`);
            this.slider.addEventListener("input", () => {
                this.stop();
                this.move(Number(this.slider.value));
            });
            this.slider.addEventListener("change", () => this.commit(Number(this.slider.value)));
            this.button = make("button", { className: "quiet play" });
            this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()));
            this.words = make("output");
            this.marks = make("div", { className: "marks" });
            this.frame.querySelector(".slide").replaceChildren(this.button, make("div", { className: "track" }, this.slider, this.marks), this.words);
        }

        // Another training; its checkpoint is the last one.
        choose(name) {
            this.stop();
            this.name = name;
            this.place = this.at = this.series.moments.length - 1;
            this.page.set({});
        }

        // The slider is dragged: what is at hand follows, nothing is asked for.
        move(at) {
            this.at = at;
            this.label();
            this.preview();
            this.page.tabs.point();
        }

        // It was let go: its weights are loaded and look at the scene.
        commit(place) {
            this.place = place;
            this.move(place);
            this.page.publish();
        }

        play() {
            const last = this.series.moments.length - 1;
            if (this.place === last) this.commit(0);
            this.timer = setInterval(() => {
                if (!this.page.control.alive) return this.stop();
                if (window.perturber.gate.inFlight) return; // a slow answer is waited for
                if (this.place < last) this.commit(this.place + 1);
                if (this.place === last) this.stop();
            }, PLAY_MS);
            this.label();
        }

        stop() {
            clearInterval(this.timer);
            this.timer = null;
            this.label();
        }

        show() {
            const { moments } = this.series;
            this.menu.value = this.name;
            this.slider.max = moments.length - 1;
            this.slider.value = this.at;
            this.marks.replaceChildren(...moments.map(({ step }) => make("span", { textContent: step })));
            this.label();
            this.preview();
        }

        label() {
            const { step, epoch } = this.series.moments[this.at];
            const seen = epoch === null ? "" : ` · epoch ${Number(epoch.toPrecision(2))}`;
            this.words.textContent = step === 0 ? "step 0 · the base" : `step ${step}${seen}`;
            this.button.textContent = this.timer ? "■" : "▶";
            this.button.title = this.timer ? "Stop" : "Play: go through all checkpoints";
            this.button.setAttribute("aria-label", this.button.title);
            if (Number(this.slider.value) !== this.at) this.slider.value = this.at;
        }

        // Feature visualisations of the chosen channels at the slider's checkpoint, from the store.
        preview() {
            const { channels, layer } = this.page.state;
            const place = this.frame.querySelector(".previews");
            const known = layer in this.series.layers;
            const shown = `${layer} ${channels}`;
            if (place.dataset.shown !== shown) {
                place.dataset.shown = shown;
                place.replaceChildren(...channels.map(() => make("div", { className: "picture" })));
            }
            const states = (this.page.visuals[this.name] || [])[this.at] || [];
            const { step } = this.series.moments[this.at];
            [...place.children].forEach((picture, i) => {
                const title = `Feature visualisation of ${layer}:${channels[i]}, step ${step}`;
                window.perturber.showMade(picture, known ? states[i] : { state: "none" }, title);
            });
        }

        draw({ top }) {
            this.frame.querySelector(".tops").replaceChildren(...window.perturber.tops(top, "div"));
        }
    }

    // As showVisualisation, for pictures that are made on order only.
    window.perturber.showMade = function (place, state, title) {
        if (!state || state.state !== "none") return window.perturber.showVisualisation(place, state, title);
        place.dataset.wanted = "";
        place.replaceChildren(make("span", { className: "nothing", textContent: "not made", title: `${title}: “Make them” under Feature visualisations` }));
    };

    window.dash_clientside.checkpoints = {
        changed(choices, facts) {
            const fresh = !page || page.stage !== document.getElementById("checkpoints-stage");
            if (fresh) {
                page = new Checkpoints(facts);
                window.perturber.page = page;
            } else {
                page.control.heard();
            }
            window.perturber.whenPlotlyIsThere(page, () => page.publish());
            return page.request();
        },
    };
})();
