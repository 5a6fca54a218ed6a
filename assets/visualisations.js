// Asks for the feature visualisations of what is shown, and follows those that are being made.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const SETTLE_MS = 250;
    const POLL_MS = 600;

    class Visualisations {
        constructor(page) {
            Object.assign(this, { page, timer: null, asked: "", states: new Map() });
        }

        get alive() {
            return this.page.control.alive;
        }

        // Where the visualisation of a channel, or of a class where layer is null, stood when last heard of.
        state(model, layer, number) {
            return this.states.get(this.name(model, layer, number));
        }

        name(model, layer, number) {
            const { naive, objective, variants } = this.page.view;
            return JSON.stringify([model, layer, number, naive, objective, variants]);
        }

        // What is wanted now: each slot's neurons, and the class that stands in for an example picture.
        items() {
            const { page } = this;
            const items = [];
            page.slots.forEach((slot, number) => {
                if (slot.vacant || slot.hidden) return;
                if (slot.activations && page.view.cards !== "none")
                    items.push({ number, model: slot.model, layer: slot.layer, numbers: slot.channels });
                const { needed, model } = page.predictions[number];
                if (needed !== null && slot.predictions) items.push({ number, model, layer: null, numbers: [needed] });
            });
            return items;
        }

        // To be called whenever something may have changed; asks only if something has.
        refresh(again = false) {
            const { naive, objective, variants } = this.page.view;
            const wanted = JSON.stringify([this.items(), naive, objective, variants]);
            if (wanted === this.asked && !again) return;
            this.asked = wanted;
            this.soon(SETTLE_MS, again);
        }

        soon(milliseconds, again = false) {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.ask(again), milliseconds);
        }

        async ask(again) {
            if (!this.alive) return;
            const items = this.items();
            const { naive, objective, variants } = this.page.view;
            const names = items.map(({ model, layer, numbers }) => numbers.map((number) => this.name(model, layer, number)));
            const body = { items: items.map(({ number, ...item }) => item), view: { naive, objective, variants }, again };
            const response = await window.perturber.post("/neurons/visualisations", body);
            if (!this.alive) return;
            if (response.status === 503) return this.soon(4 * POLL_MS);
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            const answers = await response.json();
            if (!this.alive) return;
            const jobs = this.page.slots.map(() => []);
            answers.forEach((states, i) => {
                jobs[items[i].number].push(...states);
                states.forEach((state, j) => this.states.set(names[i][j], state));
            });
            this.page.cards.forEach((cards) => cards.showPictures());
            this.page.predictions.forEach((predictions) => predictions.showExample());
            jobs.forEach((states, number) => this.showProgress(number, states));
            const over = ["done", "failed", "cancelled"];
            if (answers.flat().some(({ state }) => !over.includes(state))) this.soon(POLL_MS);
        }

        // In a slot's bar: how far its pictures have come, and a way to stop or to start again.
        showProgress(number, states) {
            const place = document.querySelector(`#explore-slot-${number} .making`);
            const open = states.filter(({ state }) => state === "running" || state === "waiting");
            const stopped = states.filter(({ state }) => state === "cancelled" || state === "failed");
            const signature = open.length ? "open" : stopped.length ? "stopped" : "";
            if (place.dataset.state !== signature) {
                place.dataset.state = signature;
                place.replaceChildren();
                if (signature) {
                    const words = document.createElement("span");
                    const button = document.createElement("button");
                    button.className = "quiet";
                    button.textContent = signature === "open" ? "×" : "make";
                    button.title = signature === "open" ? "Stop making these feature visualisations" : "Make the missing feature visualisations";
                    button.addEventListener("click", () => (signature === "open" ? this.cancel(place) : this.refresh(true)));
                    place.append(words, button);
                }
            }
            place.jobs = new Set(open.map(({ job }) => job).filter(Boolean));
            if (open.length) {
                const done = states.reduce((sum, s) => sum + (s.state === "done" ? 1 : s.done / (s.steps || 1)), 0);
                place.firstChild.textContent = `${Math.round((100 * done) / states.length)} %`;
                place.firstChild.title = "Feature visualisations of this slot that are made";
            }
        }

        async cancel(place) {
            for (const job of place.jobs) await window.perturber.post(`/jobs/${job}/cancel`, {});
            this.soon(0);
        }
    }

    window.perturber.Visualisations = Visualisations;
})();
