// What every page with a scene does in the browser: it hears its controls, asks the service about the newest of them,
// one request at a time, and shows what an answer holds. It knows neither what a control means nor what a page shows:
// a request carries the last answer's query and memory, the scene, and what was changed since; perturber/ui/callbacks
// makes an answer of it (the TypedDict `Answer`), which names the properties that components have from then on.
(function () {
    const SETTLE_MS = 250; // without an answer or a change: then what may take its time follows
    const URL_MS = 300; // browsers refuse an address that changes more often
    const [PROBE_MS, LOST_MS] = [2000, 60_000]; // then an answer may have been lost in a sleep
    const dash = (window.dash_clientside = window.dash_clientside || {});
    const setProps = (id, props) => dash.set_props(id, props);
    const text = (value) => JSON.stringify(value ?? null);
    const random = () => crypto.getRandomValues(new Uint32Array(4)).join("");

    let page = null; // as it is mounted now

    class Page {
        constructor(facts, scene, inputs, seat) {
            Object.assign(this, { facts, scene, seat, name: facts.page, query: facts.query, memory: facts.memory });
            Object.assign(this, { drawn: {}, seen: 0, sequence: 0, flight: null, records: [], arrivals: [] });
            Object.assign(this, { root: document.getElementById(this.name), client: random(), patience: LOST_MS });
            this.known = new Map(Object.entries(inputs).map(([key, value]) => [key, text(value)]));
            this.changes = new Map(); // control → what was changed and not sent yet
            this.told = new Map(); // component → what it shows and Dash has not heard of
            this.view = new window.perturber.SceneView(this.name, facts.camera);
            const moved = (values) => this.offer(this.tell(values));
            window.perturber.listenToPointer(this.name, facts.camera, () => this.scene, moved);
            this.root.addEventListener("scene", ({ detail }) => this.alive && this.offer(detail));
            this.root.addEventListener("answer", ({ detail }) => this.answered(detail));
            this.root.addEventListener("click", ({ target: it }) => it.matches(".picture img") && this.enlarge(it));
            this.view.update(scene);
        }

        get alive() {
            return this.root.isConnected && page === this;
        }

        // Whether it shows what another tab presents.
        get follows() {
            return Boolean(this.seat && !this.seat.presents && !this.seat.away);
        }

        // This tab has another place in a live session, or none (any more).
        sit(seat) {
            if (text(seat) === text(this.seat)) return;
            const followed = this.follows;
            Object.assign(this, { seat, seen: 0 });
            if (followed || this.follows) this.flight = null;
            this.ask();
        }

        // The camera follows the pointer, the panel the camera.
        tell(values) {
            const scene = { ...this.scene, ...values };
            this.view.update((this.scene = scene));
            document.getElementById(`${this.name}-panel`).dispatchEvent(new CustomEvent("moved", { detail: scene }));
            return scene;
        }

        // Controls have other values. What an answer has just put there is no change.
        hear(triggered) {
            for (const { prop_id, value } of triggered) {
                const [now, before] = [text(value), this.known.get(prop_id)];
                this.known.set(prop_id, now);
                if (before === undefined || now === "null" || now === before || !prop_id.startsWith("{")) continue;
                const { control, slot } = JSON.parse(prop_id.slice(0, prop_id.lastIndexOf(".")));
                const key = /click(s|ed)$/.test(prop_id) ? prop_id + now : prop_id; // every click, the last value
                this.changes.delete(key);
                this.changes.set(key, { control, slot, value });
            }
            if (this.changes.size) this.offer();
        }

        // The server knows what belongs beside a neuron's picture.
        enlarge(image) {
            const [place, card] = [image.closest("[id]").id, image.closest("[data-channel]")];
            const [channel, src] = [card && Number(card.dataset.channel), image.getAttribute("src")];
            setProps(`${this.name}-enlarged`, { data: { place, channel, src, title: image.title } });
        }

        // While it is busy, nobody reads to those who listen what is about to change.
        set busy(whether) {
            this.root.dataset.busy = this.root.ariaBusy = String(whether);
        }

        // The panel says itself, step by step, that it has another scene (see parameter_panel.js). Whoever changes
        // anything follows nobody any more.
        offer(scene = this.scene) {
            this.view.update((this.scene = scene));
            if (this.follows) {
                Object.assign(this, { seat: { ...this.seat, away: true }, flight: null });
                setProps("live-seat", { data: this.seat });
            }
            this.ask();
        }

        ask() {
            [this.wanted, this.busy] = [true, !this.follows];
            if (!this.flight) this.next();
        }

        next() {
            if (!this.wanted) return;
            this.wanted = false;
            const { query, memory, scene, drawn, client, changes } = this;
            [this.changes, this.flight] = [new Map(), { changes, scene, begun: performance.now(), sent: Date.now() }];
            const sent = { changes: [...changes.values()], sequence: ++this.sequence, pace: this.pace() };
            const request = { query, memory, scene, drawn, client, ...sent, seat: this.seat };
            this.follows ? this.follow() : setProps(`${this.name}-panel`, { request });
            clearInterval(this.probing);
            this.probing = setInterval(() => this.probe(), PROBE_MS);
        }

        // The presenter's page was answered already; the server waits for news (see perturber/ui/callbacks/live.py).
        async follow() {
            const { client, sequence, seat, seen, facts } = this;
            const [headers, body] = [{ "Content-Type": "application/json" }, text({ ...seat, seen, page: facts.path })];
            const response = await fetch("/live", { method: "POST", headers, body }).catch(() => null);
            if (response?.ok) this.answered({ ...(await response.json()), client, sequence });
        }

        // Milliseconds between the last answers; null while nothing moves.
        pace() {
            const recent = this.arrivals.slice(-10);
            const span = recent.length ? performance.now() - recent[0] : 0;
            return recent.length > 2 && span < 4000 ? span / recent.length : null;
        }

        // Dash tells nobody that a server is gone or a session is over: once it is back, what was lost is asked again.
        async probe() {
            if (!this.alive || !this.flight) return clearInterval(this.probing);
            const { flight, facts } = this;
            const { ok, status } = await fetch(facts.alive, { method: "HEAD", cache: "no-store" }).catch(() => ({}));
            if (this.flight !== flight) return;
            if (!ok) {
                flight.lost = true;
                setProps("notice", { children: status === 401 ? facts.ended : facts.lost });
            } else if (flight.lost || Date.now() - flight.sent > this.patience) {
                this.changes = new Map([...flight.changes, ...this.changes]);
                Object.assign(this, { flight: null, seen: 0, patience: 2 * this.patience }); // it may only be slow
                this.ask();
            } else window.perturber.say(facts.working);
        }

        // The next request leaves before the answer is shown: the service works while the browser draws.
        answered(answer) {
            const [flight, arrivedAt] = [this.flight, performance.now()];
            if (!flight || answer.client !== this.client || answer.sequence !== this.sequence) return;
            Object.assign(this, { flight: null, patience: LOST_MS });
            if (answer.query !== null) [this.query, this.memory] = [answer.query, answer.memory];
            if (answer.looked) [this.drawn, this.seen] = [answer.drawn, answer.seen];
            // Parameters as the server has read or moved them, unless they have been changed since.
            const read = Object.entries(answer.scene).filter(([key]) => this.scene[key] === flight.scene[key]);
            if (read.length) this.tell(Object.fromEntries(read));
            this.next();
            answer.props.forEach(({ id, props }) => this.show(id, props));
            if (answer.looked) this.note(answer, { startedAt: flight.begun, arrivedAt });
            if (!this.flight) this.rest(answer);
        }

        // A control that was moved meanwhile keeps what was chosen, also where Dash has yet to say so. Dash asks all of
        // a page whether it has changed: while more is on its way it is passed by, where that can be.
        show(id, props) {
            const [key, layout] = [window.dash_component_api.stringifyId(id), window.perturber.layoutOf(id)];
            if (!layout) return; // it is not unfolded
            const inputs = Object.keys(props).filter((name) => this.known.has(`${key}.${name}`));
            const sent = (input) => this.changes.has(input) || this.flight?.changes.has(input);
            const moved = (name, input) => sent(input) || text(layout.props[name]) !== this.known.get(input);
            if (inputs.some((name) => moved(name, `${key}.${name}`))) return;
            inputs.forEach((name) => this.known.set(`${key}.${name}`, text(props[name])));
            const [element, told] = [document.getElementById(key), { ...this.told.get(key), ...props }];
            this.told.delete(key);
            if (window.perturber.tell(element, told, layout.type) && this.flight) return this.told.set(key, told);
            setProps(id, told);
            element?.tell?.({}); // it has them as properties
        }

        note(answer, times) {
            this.arrivals = [...this.arrivals.slice(-20), times.arrivedAt];
            if (answer.record) this.records = [...this.records, answer.record].slice(-this.facts.kept);
            if (answer.plane !== null) this.view.showPlane(answer.plane, this.scene);
            Object.assign(this.root.dataset, { state: answer.query, sequence: answer.sequence });
            const detail = { ...times, drawnAt: performance.now(), serviceMs: answer.serviceMs };
            this.root.dispatchEvent(new CustomEvent("drawn", { detail }));
            this.writeUrlSoon();
            if (answer.live && !this.beat) this.beat = setTimeout(() => this.settle(), 400);
        }

        rest({ again, failed }) {
            this.told.forEach((_, key) => this.show(key.startsWith("{") ? JSON.parse(key) : key, {}));
            if (again !== null) setTimeout(() => this.alive && !this.wanted && this.ask(), again);
            this.busy = again === 0;
            if (failed || again === 0) return;
            clearTimeout(this.settling);
            this.settling = setTimeout(() => (this.flight && !this.follows) || this.settle(), SETTLE_MS);
        }

        // What may take its time: feature visualisations, jobs, figures below.
        settle() {
            this.beat = null;
            if (!this.alive) return;
            const { query, memory, records, client, sequence, seat } = this;
            setProps(`${this.name}-settled`, { data: { query, memory, records, client, sequence, seat } });
            // To those who listen: what each model finds most probable.
            const first = [...this.root.querySelectorAll("section[aria-label] .bars > :first-child")];
            const words = first.map((row) => `${row.closest("section").ariaLabel}: ${row.innerText}`).join("; ");
            if (words !== this.said) window.perturber.say((this.said = words));
        }

        writeUrlSoon() {
            this.writing = this.writing || setTimeout(() => {
                this.writing = null;
                const url = `${this.facts.path}?${this.query}`;
                if (this.alive) history.replaceState(history.state, "", url);
                setProps(`link-${this.name}`, { href: url }); // also where the page was left meanwhile
            }, URL_MS);
        }
    }

    // Dash calls before what it loads lazily is there.
    function mount(root, facts, ...more) {
        if (!root.isConnected || page?.root === root) return; // it was left meanwhile, or is mounted already
        if (!root.querySelector(".pointer")) return setTimeout(mount, 20, root, facts, ...more);
        (page = new Page(facts, ...more)).ask();
    }

    dash.page = {
        // All controls of a page in one function; the panel's scene counts as the page is mounted.
        heard(...controls) {
            const [seat, scene, facts] = controls.slice(-3);
            const [{ triggered, inputs }, root] = [dash.callback_context, document.getElementById(facts.page)];
            if (page?.root !== root) mount(root, facts, scene, inputs, seat);
            else page.hear(triggered), page.sit(seat);
            return dash.no_update;
        },
        active: (path, ...links) => links.map((href) => href.split("?")[0] === path),
        // figure: with the options of Plotly.downloadImage, as the server has made it for saving
        address: (path) => void history.replaceState(history.state, "", path),
        save: (saved) => void (saved && window.Plotly.downloadImage(saved.figure, saved.options)),
    };
})();
