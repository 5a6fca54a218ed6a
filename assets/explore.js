// The Explore page: one function hears every control, keeps the state, moves the view, writes the URL and hands the
// state to the gate.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const CAMERA = ["yaw", "pitch", "roll", "distance", "pan_x", "pan_y"];
    const URL_EVERY_MS = 300;
    const CONTROLS_EVERY_MS = 80;
    const setProps = (id, props) => window.dash_clientside.set_props(id, props);
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const tidy = (value) => (typeof value === "number" ? Number(value.toFixed(4)) : value);

    let page = null; // what belongs to the page as it is mounted now

    function later(milliseconds, action) {
        let timer = null;
        return () => {
            if (timer === null)
                timer = setTimeout(() => {
                    timer = null;
                    action();
                }, milliseconds);
        };
    }

    function mount(facts, slots) {
        page = {
            facts: facts,
            stage: document.getElementById("explore-stage"),
            scene: { ...facts.scene },
            shown: { ...facts.scene }, // what the controls show
            slots: slots.map((slot) => ({ ...slot, channels: parse(slot.text) || [0] })),
            view: new window.perturber.SceneView("explore", facts.camera),
        };
        window.perturber.listenToPointer(
            document.getElementById("explore-pointer"),
            () => page.scene,
            change,
            () => change(Object.fromEntries(CAMERA.map((key) => [key, facts.defaults[key]]))),
        );
        window.perturber.gate.forget();
    }

    // ---- scene ------------------------------------------------------------------------------------------------

    function change(values) {
        for (const [key, value] of Object.entries(values)) page.scene[key] = tidy(value);
        publish();
        showControls();
    }

    function publish() {
        page.view.update({ ...page.scene });
        window.perturber.gate.offer(request());
        writeUrl();
    }

    function request() {
        const slots = page.slots.map(({ model, layer, channels, activations, predictions }) => ({
            model,
            layer,
            channels,
            activations,
            predictions,
        }));
        return { scene: changes(), slots: slots };
    }

    function changes() {
        const entries = Object.entries(page.scene);
        return Object.fromEntries(entries.filter(([key, value]) => value !== page.facts.defaults[key]));
    }

    // Sliders follow the pointer at their own, slower beat: the view and the requests must not wait for them.
    const showControls = later(CONTROLS_EVERY_MS, () => {
        if (!page.stage.isConnected) return;
        for (const [key, value] of Object.entries(page.scene)) {
            if (page.shown[key] === value) continue;
            page.shown[key] = value;
            if (key in page.facts.limits) {
                setProps({ type: "explore-range", key: key }, { value: value });
                setProps({ type: "explore-number", key: key }, { value: value });
            } else {
                setProps({ type: "explore-choice", key: key }, { value: value });
            }
        }
    });

    function valid(key, value) {
        if (!(key in page.facts.limits)) return value || null;
        if (typeof value !== "number" || !Number.isFinite(value)) return null;
        const [low, high] = page.facts.limits[key];
        return value >= low && value <= high ? value : null;
    }

    function hear(type, key, value) {
        if (type === "explore-reset") page.scene[key] = page.facts.defaults[key];
        else {
            const good = valid(key, value);
            if (good === null) {
                page.shown[key] = value; // brings the control back to the last good value
                if (key in page.facts.limits) {
                    const [low, high] = page.facts.limits[key];
                    window.perturber.notice(`${key} must lie between ${low} and ${high}; the last value stays.`);
                }
            } else if (good !== page.shown[key]) {
                page.scene[key] = good;
                page.shown[key] = null; // its partner control still shows the old value
            }
        }
    }

    // ---- model slots --------------------------------------------------------------------------------------------

    // "0, 5, 12-15" → numbers, or null
    function parse(text) {
        const channels = [];
        for (const part of String(text).trim().split(/[,\s]+/)) {
            const match = /^(\d{1,6})(?:[-–](\d{1,6}))?$/.exec(part);
            if (!match) return null;
            const last = Math.min(Number(match[2] || match[1]), Number(match[1]) + 64);
            for (let c = Number(match[1]); c <= last; c++) channels.push(c);
        }
        return channels;
    }

    const text = (channels) => channels.join(", ");

    function resize(channels, count, total) {
        const result = channels.slice(0, count);
        for (let next = result.length ? result[result.length - 1] + 1 : 0; result.length < count; next++)
            result.push(next % total);
        return result;
    }

    // What the slot's controls say → the slot; where they contradict each other, the newest one wins.
    function updateSlot(number, said, trigger) {
        const old = page.slots[number];
        const model = said.model in page.facts.models ? said.model : old.model;
        const layers = page.facts.models[model].layers;
        const layer = said.layer in layers ? said.layer : page.facts.models[model].defaultLayer;
        const total = layers[layer][0];
        const most = Math.min(page.facts.neurons, total);
        let channels = old.channels;
        let problem = "";
        if (trigger === "channels") {
            const given = parse(said.text);
            if (!given) problem = `“${String(said.text).slice(0, 40)}” are no channels. Write numbers, for example 0, 5, 12-15.`;
            else if (given.some((c) => c >= total)) problem = `${layer} has the channels 0 to ${total - 1}.`;
            else if (given.length > page.facts.neurons) problem = `Up to ${page.facts.neurons} channels can be shown.`;
            else channels = given;
        } else if (trigger === "count") {
            if (Number.isInteger(said.count) && said.count >= 1 && said.count <= page.facts.neurons)
                channels = resize(channels, Math.min(said.count, most), total);
            else problem = `The number of neurons goes from 1 to ${page.facts.neurons}.`;
        } else if (trigger === "back" || trigger === "on") {
            const step = (trigger === "on" ? 1 : -1) * channels.length;
            channels = channels.map((c) => (((c + step) % total) + total) % total);
        }
        if (channels.some((c) => c >= total)) channels = resize([], Math.min(channels.length, most), total);
        page.slots[number] = {
            model,
            layer,
            channels,
            activations: said.activations.length > 0,
            predictions: said.predictions.length > 0,
        };
        showSlot(number, said, model !== old.model, problem);
    }

    function showSlot(number, said, newModel, problem) {
        const slot = page.slots[number];
        const at = (what) => ({ type: `explore-slot-${what}`, slot: number });
        if (newModel) {
            const layers = Object.entries(page.facts.models[slot.model].layers);
            const options = layers.map(([name, [c, h, w]]) => ({ value: name, label: `${name}  ·  ${c} ch, ${h}×${w}` }));
            setProps(at("layer"), { options: options, value: slot.layer });
        }
        if (!problem && said.text !== text(slot.channels)) setProps(at("channels"), { value: text(slot.channels) });
        if (!problem && said.count !== slot.channels.length) setProps(at("count"), { value: slot.channels.length });
        setProps(at("message"), { children: problem });
    }

    // ---- URL --------------------------------------------------------------------------------------------------

    function query() {
        const values = Object.entries(changes());
        page.slots.forEach((slot, i) => {
            const n = i + 1;
            values.push([`m${n}`, slot.model], [`l${n}`, slot.layer], [`c${n}`, slot.channels.join(",")]);
            if (!slot.activations) values.push([`a${n}`, 0]);
            if (!slot.predictions) values.push([`p${n}`, 0]);
        });
        return new URLSearchParams(values).toString().replaceAll("%2C", ",");
    }

    const writeUrl = later(URL_EVERY_MS, () => {
        if (!page.stage.isConnected) return;
        const url = `/?${query()}`;
        history.replaceState(history.state, "", url);
        setProps({ type: "page-link", page: "pages.explore" }, { href: url });
    });

    // ---- Dash -------------------------------------------------------------------------------------------------

    window.dash_clientside.explore = {
        changed(ranges, numbers, choices, resets, resetAll, models, layers, counts, texts, backs, ons, acts, preds, facts) {
            const said = models.map((model, i) => ({
                model,
                layer: layers[i],
                count: counts[i],
                text: texts[i],
                activations: acts[i] || [],
                predictions: preds[i] || [],
            }));
            const fresh = !page || page.stage !== document.getElementById("explore-stage");
            if (fresh) {
                mount(facts, said.map((s) => ({ ...s, activations: s.activations.length > 0, predictions: s.predictions.length > 0 })));
            } else {
                for (const { prop_id, value } of window.dash_clientside.callback_context.triggered) {
                    const id = prop_id.slice(0, prop_id.lastIndexOf("."));
                    if (id === "explore-reset-all") page.scene = { ...page.facts.defaults };
                    else if (id.startsWith("{")) {
                        const { type, key, slot } = JSON.parse(id);
                        if (slot === undefined) hear(type, key, value);
                        else updateSlot(slot, said[slot], type.replace("explore-slot-", ""));
                    }
                }
                showControls();
            }
            publish();
            return request();
        },

        answered(answer) {
            window.perturber.gate.answered(answer.sequence, answer.serviceMs);
            const recent = window.perturber.gate.timings.slice(-11);
            const span = recent[recent.length - 1].at - recent[0].at;
            const rate = document.getElementById("explore-rate");
            if (rate && recent.length > 2 && span < 5000)
                rate.textContent = `${(((recent.length - 1) * 1000) / span).toFixed(1)} updates/s`;
            return answer.sequence;
        },
    };

    // ---- saving ------------------------------------------------------------------------------------------------

    document.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        if (button.id === "explore-save-input") {
            const link = document.createElement("a");
            link.href = document.getElementById("explore-input").src;
            link.download = "model-input.png";
            link.click();
        } else if (button.dataset.save) {
            const plot = button.closest(".figure").querySelector(".js-plotly-plot");
            window.Plotly.downloadImage(plot, {
                format: button.dataset.save,
                filename: button.dataset.name,
                width: plot.clientWidth,
                height: plot.clientHeight,
                scale: button.dataset.save === "png" ? 4 : 1,
            });
        }
    });
})();
