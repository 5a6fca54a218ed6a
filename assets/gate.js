// The request gate: at most one request of the page is on its way; when its answer is there, the newest state follows.
// States in between are never sent, so that what is shown cannot lag behind a queue.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const client = Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 8)).join("");
    const RETRY_MS = 2000;

    const gate = {
        sequence: 0,
        inFlight: null, // sequence number of the request on its way
        sent: null, // the last state that was sent, as text
        wanted: null, // the newest state that was not sent yet
        timings: [], // of the last answers, for the status line and the benchmark

        offer(state) {
            this.wanted = state;
            if (this.inFlight === null) this.send();
        },

        send() {
            const state = this.wanted;
            const text = JSON.stringify(state);
            this.wanted = null;
            if (text === this.sent) return;
            this.sent = text;
            this.inFlight = ++this.sequence;
            this.startedAt = performance.now();
            window.dash_clientside.set_props("explore-request", {
                data: { ...state, sequence: this.sequence, client: client },
            });
        },

        // The answer is on the page.
        answered(sequence, serviceMs) {
            const now = performance.now();
            this.timings.push({ sequence: sequence, at: now, roundTrip: now - this.startedAt, serviceMs: serviceMs });
            if (this.timings.length > 400) this.timings.splice(0, 200);
            this.release(sequence);
        },

        release(sequence) {
            if (this.inFlight !== sequence) return;
            this.inFlight = null;
            if (this.wanted) this.send();
        },

        // A page that was just opened has nothing drawn yet.
        forget() {
            this.sent = null;
        },

        retry(sequence) {
            const state = this.wanted || (this.sent && JSON.parse(this.sent));
            this.sent = null;
            setTimeout(() => {
                if (this.inFlight === sequence) {
                    this.inFlight = null;
                    if (state) this.offer(this.wanted || state);
                }
            }, RETRY_MS);
        },
    };

    function notice(text) {
        const element = document.getElementById("notice");
        if (element) element.textContent = text;
    }

    function sequenceOf(options) {
        try {
            const body = JSON.parse(options.body);
            return body.output.includes("explore-answer") ? body.inputs[0].value.sequence : null;
        } catch {
            return null;
        }
    }

    // Dash keeps a failed callback to itself. Every page shows the server's sentence instead.
    const plainFetch = window.fetch;
    window.fetch = async function (resource, options) {
        const url = String((resource && resource.url) || resource);
        if (!url.includes("_dash-update-component")) return plainFetch.apply(this, arguments);
        const sequence = sequenceOf(options);
        let response;
        try {
            response = await plainFetch.apply(this, arguments);
        } catch (error) {
            notice("The server does not answer; trying again …");
            if (sequence !== null) gate.retry(sequence);
            throw error;
        }
        if (response.status >= 400) {
            const fallback = { error: `The server answered with status ${response.status}.` };
            const body = await response.clone().json().catch(() => fallback);
            notice(body.error || fallback.error);
            if (sequence !== null) gate.release(sequence);
        } else if (sequence !== null) {
            notice("");
            // Where the page was left meanwhile, nobody will draw this answer.
            setTimeout(() => gate.release(sequence), 500);
        }
        return response;
    };

    window.perturber.gate = gate;
    window.perturber.notice = notice;
})();
