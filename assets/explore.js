// The Explore page: one function hears every control, keeps the state, moves the view, writes the URL and hands the
// state to the gate.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const URL_EVERY_MS = 300;
    const setProps = (id, props) => window.dash_clientside.set_props(id, props);

    let page = null; // what belongs to the page as it is mounted now

    function mount(facts, slots) {
        const control = new window.perturber.SceneControl("explore", facts, {
            changed: () => {
                page.attack.end();
                publish();
            },
            model: () => page.slots[0].model,
        });
        page = {
            facts: facts,
            control,
            stage: control.stage,
            scene: control.values,
            sceneView: control.view,
            reference: null,
            request,
            end,
            overlay: drawOverlay,
            slots: slots.map((slot, n) => ({
                ...slot,
                ...facts.slots[n],
                shownModel: slot.model,
                channels: window.perturber.parseChannels(slot.text) || [0],
                list: null,
            })),
            view: { ...facts.view },
            writeUrlSoon: window.perturber.later(URL_EVERY_MS, writeUrl),
        };
        page.marker = new window.perturber.Marker(page);
        page.cards = page.slots.map((_, n) => new window.perturber.Cards(page, n));
        page.predictions = page.slots.map((_, n) => new window.perturber.Predictions(page, n, (c) => page.display.pin(c)));
        page.controls = new window.perturber.Slots(page, publish);
        page.display = new window.perturber.Display(page, option);
        page.attack = new window.perturber.Attack(page, publish);
        page.visualisations = new window.perturber.Visualisations(page);
        page.drawer = new window.perturber.Drawer(page, option, (n, channel) => page.controls.add(n, channel));
        page.figures = new window.perturber.AttackFigures(page, publish);
        page.figures.begin();
        document.querySelector(".explore .reference").addEventListener("click", setReference);
        const visit = page;
        // Another visit to the page is another gate: an answer on its way to the last visit finds nobody.
        window.perturber.gate = new window.perturber.Gate("/explore/look", (...answer) => page === visit && draw(...answer));
        window.perturber.page = page;
    }

    // ---- what is shown, and how -----------------------------------------------------------------------------------

    function option(values) {
        Object.assign(page.view, values);
        page.display.show();
        if ("cards" in values) page.cards.forEach((cards) => (cards.arrange(), cards.showPictures()));
        const last = page.displayed;
        if (last && ("divisor" in values || "shared" in values))
            page.slots.forEach((_, n) => last.answer.slots[n] && page.cards[n].rescale(end(n)));
        if (["divisor", "shared", "overlay"].some((key) => key in values)) drawOverlay();
        page.visualisations.refresh();
        publish();
    }

    // The activation at which a slot's colours end.
    function end(number) {
        const { divisor, shared } = page.view;
        if (divisor !== null) return 10 ** divisor;
        const { slots } = page.displayed.answer;
        const scales = slots.map((slot) => (slot ? slot.scale : null)).filter((scale) => scale !== null);
        return shared ? Math.max(...scales) : slots[number] && slots[number].scale;
    }

    function drawOverlay() {
        const { unit } = page.marker;
        const cards = unit ? unit.cards : page.cards.find(({ shown }) => shown);
        page.marker.draw(cards, cards && end(cards.number));
    }

    function setReference() {
        page.reference = page.control.changes();
        const button = document.querySelector(".explore .reference");
        button.classList.add("chosen");
        button.textContent = "Reference ✓";
        button.title = "A reference scene is set; a click sets it to the present scene";
    }

    // ---- requests ---------------------------------------------------------------------------------------------

    function publish() {
        page.control.draw();
        window.perturber.gate.offer(request());
        page.writeUrlSoon();
    }

    function request() {
        const slots = page.slots.map(({ model, layer, channels, activations, predictions, hidden, vacant }) =>
            vacant ? null : { model, layer, channels, activations, predictions, hidden },
        );
        const { pinned, explain, summary } = page.view;
        return { scene: page.control.changes(), slots: slots, view: { pinned, explain, summary }, ...page.attack.request(), ...page.figures.request() };
    }

    // ---- URL --------------------------------------------------------------------------------------------------

    function query() {
        const values = Object.entries(page.control.changes());
        for (const [key, value] of Object.entries(page.view))
            if (String(value) !== String(page.facts.viewDefaults[key])) values.push([key, String(value)]);
        values.push(...page.attack.query(), ...page.figures.query());
        page.slots.forEach((slot, i) => {
            if (slot.vacant) return;
            const n = i + 1;
            values.push([`m${n}`, slot.model], [`l${n}`, slot.layer], [`c${n}`, slot.channels.join(",")]);
            if (!slot.activations) values.push([`a${n}`, 0]);
            if (!slot.predictions) values.push([`p${n}`, 0]);
            if (slot.hidden) values.push([`h${n}`, 1]);
        });
        return new URLSearchParams(values).toString().replaceAll("%2C", ",");
    }

    function writeUrl() {
        if (!page.control.alive) return;
        const url = `/?${query()}`;
        history.replaceState(history.state, "", url);
        setProps("link-explore", { href: url });
    }

    // ---- Dash -------------------------------------------------------------------------------------------------

    window.dash_clientside.explore = {
        changed(choices, models, layers, counts, texts, backs, ons, acts, preds, facts) {
            const said = models.map((model, i) => ({
                model,
                layer: layers[i],
                count: counts[i],
                text: texts[i],
                activations: acts[i] || [],
                predictions: preds[i] || [],
            }));
            const before = page && JSON.stringify(request());
            const fresh = !page || page.stage !== document.getElementById("explore-stage");
            if (fresh) {
                mount(facts, said.map((s) => ({ ...s, activations: s.activations.length > 0, predictions: s.predictions.length > 0 })));
            } else {
                for (const { prop_id, value } of window.dash_clientside.callback_context.triggered) {
                    const { type, key, slot } = JSON.parse(prop_id.slice(0, prop_id.lastIndexOf(".")));
                    if (slot === undefined) page.control.said(key, value);
                    else page.controls.said(slot, said[slot], type.replace("explore-slot-", ""));
                }
            }
            if (!fresh && JSON.stringify(request()) === before) return window.dash_clientside.no_update;
            whenPlotsAreThere(publish);
            return request();
        },
    };

    // Plotly arrives a moment after the page; nothing is asked before what it answers can be drawn.
    function whenPlotsAreThere(action) {
        const { stage } = page;
        const plots = [...document.querySelectorAll(".explore .slot .js-plotly-plot")];
        const ready = plots.length === page.slots.length && plots.every((plot) => plot.on);
        if (ready) action();
        else if (stage.isConnected) setTimeout(() => page.stage === stage && whenPlotsAreThere(action), 20);
    }

    // ---- answers ------------------------------------------------------------------------------------------------

    // Everything that is drawn here comes from one answer, so that heatmaps, input and predictions belong together.
    function draw(answer, state, sequence) {
        if (!page.control.alive) return;
        page.control.showAnswer(answer);
        page.displayed = { sequence: sequence, state: state, answer: answer };
        answer.slots.forEach((slot, number) => {
            page.cards[number].draw(slot, state.slots[number], end(number));
            page.predictions[number].draw(slot, state.slots[number]);
        });
        page.marker.show();
        drawOverlay();
        page.display.follow(Math.max(...answer.slots.map((slot) => (slot && slot.scale) || 0)));
        page.figures.note(answer.attack, state);
        page.attack.draw(answer.attack, state);
        page.drawer.note(answer, state, sequence);
        page.visualisations.refresh();
    }

    // ---- saving ------------------------------------------------------------------------------------------------

    document.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button && button.dataset.save) save(button);
    });

    // The page's maps have no labels and its bars are plain elements; figures for a paper come from the server, from
    // the state shown.
    async function save(button) {
        const place = button.closest(".figure");
        const what = button.dataset.name.split("-")[0];
        const body = { ...page.displayed.state, view: page.view, slot: Number(button.closest(".slot").id.slice(-1)), what };
        const response = await window.perturber.post("/explore/figure", body);
        if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
        await window.Plotly.downloadImage(await response.json(), {
            format: button.dataset.save,
            filename: button.dataset.name,
            width: Math.max(place.clientWidth, what === "activations" ? 700 : 240),
            height: Math.max(place.clientHeight, 200),
            scale: button.dataset.save === "png" ? 4 : 1,
        });
    }
})();
