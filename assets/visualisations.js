// Asks for the feature visualisations of what is shown, and follows those that are being made.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const SETTLE_MS = 250;
    const POLL_MS = 600;

    class Visualisations {
        // page; tell(number, states): of a slot's neurons; tellClass(number, state): of a slot's class
        constructor(page) {
            Object.assign(this, { page, timer: null, asked: "", jobs: new Set() });
        }

        get alive() {
            return this.page.stage.isConnected;
        }

        // What is wanted now: each slot's neurons, and the class that stands in for an example picture.
        items() {
            const { page } = this;
            const items = [];
            page.slots.forEach((slot, number) => {
                if (slot.vacant || slot.hidden) return;
                if (slot.activations && page.view.cards !== "none")
                    items.push({ number, model: slot.model, layer: slot.layer, numbers: slot.channels });
                const index = page.predictions[number].needed;
                if (index !== null && slot.predictions) items.push({ number, model: slot.model, layer: null, numbers: [index] });
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
            const body = { items: items.map(({ number, ...item }) => item), view: { naive, objective, variants }, again };
            let response;
            try {
                response = await window.perturber.post("/neurons/visualisations", body);
            } catch {
                return this.soon(4 * POLL_MS);
            }
            if (!this.alive) return;
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            const answers = await response.json();
            const jobs = this.page.slots.map(() => []);
            answers.forEach((states, i) => {
                const { number, layer, numbers } = items[i];
                const slot = this.page.slots[number];
                jobs[number].push(...states);
                if (layer === null) this.page.predictions[number].tell(numbers[0], states[0]);
                else if (layer === slot.layer && String(numbers) === String(slot.channels)) this.page.cards[number].tell(states);
            });
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
