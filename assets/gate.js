// The request gate: at most one request of the page is on its way; when its answer is there, the newest state follows.
// States in between are never sent, so that what is shown cannot lag behind a queue. The next request leaves before the
// answer is drawn: the service works while the browser draws.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const RETRY_MS = 2000;

    class Gate {
        // url: whom to ask; draw: (answer, state, sequence) → puts an answer on the page
        constructor(url, draw) {
            this.url = url;
            this.draw = draw;
            this.client = Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 8)).join("");
            this.sequence = 0;
            this.inFlight = false;
            this.wanted = null; // the newest state that was not sent yet
            this.sent = null; // the last state that was sent, as text
            this.timings = []; // of the last answers, for the status line and the benchmark
        }

        offer(state) {
            this.wanted = state;
            if (!this.inFlight) this.next();
        }

        // The same state once more: its answer may have changed.
        again() {
            const state = this.wanted || (this.sent && JSON.parse(this.sent));
            this.sent = null;
            if (state) this.offer(state);
        }

        // How often answers arrive, in words; empty while nothing moves.
        rate() {
            const recent = this.timings.slice(-10);
            const span = recent.length ? performance.now() - recent[0].arrivedAt : 0;
            return recent.length > 2 && span < 4000 ? `${((recent.length * 1000) / span).toFixed(1)} updates/s` : "";
        }

        next() {
            const state = this.wanted;
            this.wanted = null;
            if (state && JSON.stringify(state) !== this.sent) this.ask(state);
        }

        async ask(state) {
            this.sent = JSON.stringify(state);
            this.inFlight = true;
            const sequence = ++this.sequence;
            const startedAt = performance.now();
            const body = JSON.stringify({ ...state, drawn: this.drawn || [], client: this.client });
            let answer = null;
            try {
                const response = await fetch(this.url, {
                    method: "POST",
                    headers: { "Content-Type": "application/json" },
                    body: body,
                });
                if (response.ok) answer = response.status === 204 ? null : await response.json();
                else window.perturber.notice(await window.perturber.sentence(response));
                if (response.ok) window.perturber.notice("");
            } catch {
                window.perturber.notice("The server does not answer; trying again …");
                this.sent = null;
                await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
                this.wanted = this.wanted || state;
            }
            const arrivedAt = performance.now();
            this.inFlight = false;
            if (answer) this.drawn = answer.slots.map((slot) => slot && slot.signature);
            this.next();
            if (!answer) return;
            this.draw(answer, state, sequence);
            const times = { sequence, startedAt, arrivedAt, drawnAt: performance.now(), serviceMs: answer.serviceMs };
            this.timings.push(times);
            if (this.timings.length > 400) this.timings.splice(0, 200);
        }
    }

    window.perturber.Gate = Gate;
})();
