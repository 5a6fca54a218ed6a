// The Compare page: networks in columns over one scene. This file holds the page's state, its URL and the columns;
// compare_tabs.js draws what lies below them.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const URL_EVERY_MS = 300;
    const OTHER = " other"; // no model is called so
    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);
    const find = (selector) => document.querySelector(`.compare ${selector}`);

    let page = null; // what belongs to the page as it is mounted now

    function mount(facts) {
        const control = new window.perturber.SceneControl("compare", facts, {
            changed: publish,
            model: () => page.state.models[0],
        });
        page = {
            facts,
            control,
            stage: control.stage,
            state: { ...facts.state },
            displayed: null,
            set,
            request,
            model: (place) => facts.models[page.state.models[place - 1]], // places count from 1
            name,
            writeUrlSoon: window.perturber.later(URL_EVERY_MS, writeUrl),
        };
        page.tabs = new window.perturber.CompareTabs(page);
        find(".model-tools").replaceChildren(pinning(), addButton());
        const visit = page;
        // Another visit to the page is another gate: an answer on its way to the last visit finds nobody.
        page.gate = window.perturber.gate = new window.perturber.Gate("/compare/look", (...answer) => page === visit && draw(...answer));
        window.perturber.page = page;
        show();
    }

    // ---- state ------------------------------------------------------------------------------------------------

    // Change some of the state; what no longer fits to the models is brought back to what does.
    function set(values) {
        const { state } = page;
        Object.assign(state, values);
        const count = state.models.length;
        if (state.a > count) state.a = 1;
        if (state.b > count || state.b === state.a) state.b = state.a === 1 ? 2 : 1;
        const [a, b] = [page.model(state.a), page.model(state.b)];
        const before = state.layer;
        if (!(state.layer in a.layers)) state.layer = a.defaultLayer;
        if (before !== state.layer || "a" in values || "models" in values || "layer" in values) {
            const [channels] = a.layers[state.layer];
            const wanted = Math.min(state.channels.length, channels);
            if (state.channels.some((channel) => channel >= channels)) state.channels = [...Array(wanted).keys()];
        }
        if (!(state.other in b.layers)) state.other = state.layer in b.layers ? state.layer : b.defaultLayer;
        show();
        publish();
    }

    function request() {
        return { scene: page.control.changes(), ...page.state };
    }

    function publish() {
        page.control.draw();
        page.gate.offer(request());
        page.tabs.follow();
        page.writeUrlSoon();
    }

    function writeUrl() {
        if (!page.control.alive) return;
        const { models, channels, pinned, matched, ...others } = page.state;
        const values = [...Object.entries(page.control.changes()), ...models.map((model, n) => [`m${n + 1}`, model])];
        values.push(...Object.entries(others), ["channels", channels.join(",")]);
        if (pinned.length) values.push(["pinned", pinned.join(",")]);
        if (matched) values.push(["matched", true]);
        const url = `/compare?${new URLSearchParams(values).toString().replaceAll("%2C", ",")}`;
        history.replaceState(history.state, "", url);
        window.dash_clientside.set_props("link-compare", { href: url });
    }

    // ---- columns ----------------------------------------------------------------------------------------------

    // What a menu calls a model: of an edit also what was edited.
    function name(model) {
        const { label, edit } = page.facts.models[model];
        const what = edit && model.slice(model.indexOf("(") + 1, -1).split(";")[1];
        return what ? `${label} (${what})` : label;
    }

    function show() {
        const { models } = page.state;
        const place = find(".models");
        const shown = JSON.stringify(models);
        if (place.dataset.models !== shown) {
            place.dataset.models = shown;
            place.style.setProperty("--columns", models.length);
            place.replaceChildren(...models.map(column));
            find(".add-model").disabled = models.length >= page.facts.maxModels;
        }
        page.tabs.show();
    }

    function colours(models) {
        const bits = models.reduce((sum, model, n) => sum + (page.facts.models[model].edit ? 2 ** n : 0), 0);
        return page.facts.colours[bits];
    }

    function column(model, n, models) {
        const [colour, text] = colours(models)[n];
        const frame = make("section", { className: "model" });
        frame.setAttribute("aria-label", `Model ${n + 1}`);
        frame.style.setProperty("--slot", colour);
        frame.style.setProperty("--slot-text", text);
        const bar = make("div", { className: "bar" });
        const menu = make("select", { id: `compare-model-${n + 1}`, title: name(model) });
        menu.setAttribute("aria-label", `Model ${n + 1}`);
        const options = Object.keys(page.facts.models).map((value) => make("option", { value, textContent: name(value) }));
        menu.append(...options, make("option", { value: OTHER, textContent: "Another model or an edit …" }));
        menu.value = model;
        menu.addEventListener("change", () => {
            if (menu.value !== OTHER) return put(n, menu.value);
            menu.value = model;
            askForModel(n);
        });
        bar.append(make("h2", { className: "badge", textContent: n + 1 }), menu);
        if (models.length > 2) {
            const remove = make("button", { className: "quiet remove", textContent: "×", title: `Remove model ${n + 1}` });
            remove.setAttribute("aria-label", remove.title);
            remove.addEventListener("click", () => set({ models: page.state.models.filter((_, other) => other !== n) }));
            bar.append(remove);
        }
        frame.append(bar, make("div", { className: "tops" }), make("table", { className: "agreement" }));
        return frame;
    }

    function put(n, model) {
        set({ models: page.state.models.map((other, place) => (place === n ? model : other)) });
    }

    function askForModel(n) {
        const field = make("input", { id: "compare-model-text", placeholder: "prune(efficientnet_lite0;blocks.3=0.1-1)" });
        field.setAttribute("aria-label", "Name of a model or text of an edit");
        const question = "Name of a model, or an edit: prune(model;unit=low-high), mix(model,model;unit=amount)";
        window.perturber.ask(question, field, async () => {
            const response = await window.perturber.post("/compare/model", { model: field.value });
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            const found = await response.json();
            page.facts.models[found.name] = found.facts;
            Object.assign(page.facts.classes, found.classes);
            window.perturber.notice("");
            find(".models").dataset.models = ""; // every menu offers it from now on
            put(n, found.name);
        });
    }

    function addButton() {
        const button = make("button", { className: "quiet add-model", textContent: "+ Add a model" });
        button.title = `Up to ${page.facts.maxModels} models side by side`;
        button.addEventListener("click", () => {
            const { models } = page.state;
            const all = Object.keys(page.facts.models);
            set({ models: [...models, all.find((other) => !models.includes(other)) || all[0]] });
        });
        return button;
    }

    // ---- answers ----------------------------------------------------------------------------------------------

    // Everything that is drawn here comes from one answer.
    function draw(answer, state, sequence) {
        if (!page.control.alive) return;
        page.displayed = { answer, state, sequence };
        page.control.showAnswer(answer);
        const frames = [...find(".models").children];
        if (frames.length === answer.slots.length) answer.slots.forEach((slot, n) => drawColumn(frames[n], slot, n, state));
        page.tabs.draw(answer, state);
        page.tabs.waitForPlane(Boolean(answer.plane && !answer.plane.finished));
    }

    function drawColumn(frame, { top, pinned, agreement }, n, state) {
        const rows = window.perturber.tops(top, "button", "Pin it: click");
        rows.forEach((row, i) => row.addEventListener("click", () => pin(top[i].index)));
        frame.querySelector(".tops").replaceChildren(...rows);
        frame.querySelector(".agreement").replaceChildren(...agreementRows(agreement, n, state), ...pinned.map((score, i) => pinnedRow(score, agreement && agreement.differences[i], n)));
    }

    function row(words, values, title) {
        const line = make("tr", { title });
        line.append(make("th", { textContent: words, scope: "row" }), ...values.map((value) => (value instanceof Node ? value : make("td", { textContent: value }))));
        return line;
    }

    function agreementRows(agreement, n, state) {
        if (n === 0) return [row("The others’ predictions are compared with these.", [], "")];
        if (!agreement) return [row("Other classes than model 1: predictions cannot be compared.", [], "")];
        const same = make("td", { textContent: agreement.same_top1 ? "✓" : "✗", className: agreement.same_top1 ? "yes" : "no" });
        return [
            row("Same top class as 1", [same], "Whether the most probable class is that of model 1"),
            row("Shared top 5", [`${agreement.shared_top5} of 5`], "Classes among the first five of both"),
            row("JS divergence", [`${agreement.jensen_shannon.toFixed(3)} bit`], "Jensen–Shannon divergence of the probabilities: 0 the same, 1 disjoint"),
        ];
    }

    function pinnedRow(score, difference, n) {
        const number = (value, plus = "") => `${value < 0 ? "−" : plus}${Math.abs(value).toFixed(2)}`;
        const value = make("td", { textContent: number(score.logit) });
        if (n > 0 && difference !== null) value.append(make("b", { textContent: ` ${number(difference, "+")}` }));
        const line = row(score.name, [value], `Logit of ${score.name}${n ? ", and the difference to model 1" : ""}. Unpin it: click`);
        line.className = "pinned";
        line.addEventListener("click", () => pin(score.index));
        return line;
    }

    // ---- pinned classes -----------------------------------------------------------------------------------------

    function pinning() {
        const add = (index) => page.state.pinned.includes(index) || pin(index);
        return window.perturber.classSearch("compare", Object.values(page.facts.classes), add);
    }

    // Pin a class, or let it go.
    function pin(index) {
        const pinned = window.perturber.togglePinned(page.state.pinned, index, page.facts.maxPinned);
        if (pinned) set({ pinned });
    }

    // ---- Dash -------------------------------------------------------------------------------------------------

    window.dash_clientside.compare = {
        changed(choices, facts) {
            const fresh = !page || page.stage !== document.getElementById("compare-stage");
            const before = fresh ? null : JSON.stringify(request());
            if (fresh) mount(facts);
            else page.control.heard();
            if (JSON.stringify(request()) === before) return window.dash_clientside.no_update;
            window.perturber.whenPlotlyIsThere(page, publish);
            return request();
        },
    };
})();
