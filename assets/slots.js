// The controls of the model slots: what they say becomes the slot, and what the slot is they show.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const setProps = (id, props) => window.dash_clientside.set_props(id, props);
    const at = (number, what) => ({ type: `explore-slot-${what}`, slot: number });
    const text = (channels) => channels.join(", ");
    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);

    // "0, 5, 12-15" → numbers, or null
    function parse(written) {
        const channels = [];
        for (const part of String(written).trim().split(/[,\s]+/)) {
            const match = /^(\d{1,6})(?:[-–](\d{1,6}))?$/.exec(part);
            if (!match) return null;
            const last = Math.min(Number(match[2] || match[1]), Number(match[1]) + 64);
            for (let c = Number(match[1]); c <= last; c++) channels.push(c);
        }
        return channels;
    }

    // Channels from `start` on, of all or of a list; behind the last comes the first.
    const from = (start, count, list) => Array.from({ length: count }, (_, i) => list[(start + i) % list.length]);

    function resize(channels, count, total, list) {
        if (list && list.length >= count) return from(Math.max(0, list.indexOf(channels[0])), count, list);
        const result = channels.slice(0, count);
        for (let next = result.length ? result[result.length - 1] + 1 : 0; result.length < count; next++)
            result.push(next % total);
        return result;
    }

    class Slots {
        // page: what belongs to the page; changed(): tells it that a slot is another
        constructor(page, changed) {
            Object.assign(this, { page, changed });
            this.groups = page.slots.map((_, number) => new Groups(this, number));
            page.slots.forEach((slot, number) => {
                this.frame(number).querySelector(".hide").addEventListener("click", () => this.hide(number));
                this.mark(number);
            });
        }

        frame(number) {
            return document.getElementById(`explore-slot-${number}`);
        }

        layer(number) {
            const { model, layer } = this.page.slots[number];
            return this.page.facts.models[model].layers[layer];
        }

        hide(number) {
            const slot = this.page.slots[number];
            slot.hidden = !slot.hidden;
            this.mark(number);
            this.changed();
        }

        mark(number) {
            const { hidden, vacant } = this.page.slots[number];
            const name = this.page.facts.slotNames[number];
            const frame = this.frame(number);
            frame.classList.toggle("collapsed", hidden && !vacant);
            frame.classList.toggle("vacant", vacant);
            const button = frame.querySelector(".hide");
            button.textContent = hidden ? "+" : "–";
            button.title = hidden ? `Show ${name} again` : `Hide ${name}: it then costs nothing`;
            window.dispatchEvent(new Event("resize")); // the other slots have another height now
        }

        // What the slot's controls say → the slot; where they contradict each other, the newest one wins.
        said(number, said, trigger) {
            const { facts, slots } = this.page;
            const old = slots[number];
            const model = said.model in facts.models ? said.model : old.model;
            const layers = facts.models[model].layers;
            const layer = said.layer in layers ? said.layer : facts.models[model].defaultLayer;
            const total = layers[layer][0];
            const most = Math.min(facts.neurons, total);
            let channels = old.channels;
            let problem = "";
            if (trigger === "channels") {
                const given = parse(said.text);
                if (!given) problem = `“${String(said.text).slice(0, 40)}” are no channels. Write numbers, for example 0, 5, 12-15.`;
                else if (given.some((c) => c >= total)) problem = `${layer} has the channels 0 to ${total - 1}.`;
                else if (given.length > facts.neurons) problem = `Up to ${facts.neurons} channels can be shown.`;
                else channels = given;
            } else if (trigger === "count") {
                if (Number.isInteger(said.count) && said.count >= 1 && said.count <= facts.neurons)
                    channels = resize(channels, Math.min(said.count, most), total, old.list);
                else problem = `The number of neurons goes from 1 to ${facts.neurons}.`;
            } else if (trigger === "back" || trigger === "on") {
                channels = this.turn(old, trigger === "on" ? 1 : -1, total);
            }
            const elsewhere = model !== old.model || layer !== old.layer;
            if (elsewhere || (trigger === "channels" && text(channels) !== text(old.channels))) old.list = null;
            if (channels.some((c) => c >= total)) channels = resize([], Math.min(channels.length, most), total);
            Object.assign(old, {
                model,
                layer,
                channels,
                activations: said.activations.length > 0,
                predictions: said.predictions.length > 0,
            });
            this.show(number, said, model !== old.shownModel, problem);
        }

        // The next channels, of the group if one with more than are shown has been chosen.
        turn(slot, step, total) {
            const { list, channels } = slot;
            const move = (place, length) => (((place + step * channels.length) % length) + length) % length;
            if (!list || list.length <= channels.length) return channels.map((c) => move(c, total));
            return from(move(list.indexOf(channels[0]), list.length), channels.length, list);
        }

        // Put channels into the view that no control has named; list: the whole group that they belong to
        choose(number, channels, list = null) {
            const slot = this.page.slots[number];
            Object.assign(slot, { channels: channels.slice(0, this.page.facts.neurons), list });
            setProps(at(number, "channels"), { value: text(slot.channels) });
            setProps(at(number, "count"), { value: slot.channels.length });
            setProps(at(number, "message"), { children: "" });
            this.changed();
        }

        // Put one channel into the view, in place of the last one.
        add(number, channel) {
            const { channels } = this.page.slots[number];
            if (channels.includes(channel) || channel >= this.layer(number)[0]) return;
            const kept = channels.length < this.page.facts.neurons ? channels : channels.slice(0, -1);
            this.choose(number, [...kept, channel]);
        }

        show(number, said, newModel, problem) {
            const slot = this.page.slots[number];
            if (newModel) {
                slot.shownModel = slot.model;
                const layers = Object.entries(this.page.facts.models[slot.model].layers);
                const options = layers.map(([name, [c, h, w]]) => ({ value: name, label: `${name}  ·  ${c} ch, ${h}×${w}` }));
                setProps(at(number, "layer"), { options: options, value: slot.layer });
            }
            if (!problem && said.text !== text(slot.channels)) setProps(at(number, "channels"), { value: text(slot.channels) });
            if (!problem && said.count !== slot.channels.length) setProps(at(number, "count"), { value: slot.channels.length });
            setProps(at(number, "message"), { children: problem });
            this.groups[number].refresh();
        }

        problem(number, sentence) {
            setProps(at(number, "message"), { children: sentence });
        }
    }

    // The menu of neuron groups: computed now, published, and the users' own.
    class Groups {
        constructor(slots, number) {
            Object.assign(this, { slots, number, own: {}, shown: null, known: null });
            this.menu = make("select", { title: "Neuron groups" });
            this.menu.setAttribute("aria-label", `Neuron groups of ${slots.page.facts.slotNames[number]}`);
            this.menu.addEventListener("mousedown", () => this.fill());
            this.menu.addEventListener("focus", () => this.fill());
            this.menu.addEventListener("change", () => this.choose(this.menu.value));
            slots.frame(number).querySelector(".groups-menu").replaceChildren(this.menu);
            this.fill();
            this.refresh();
        }

        get slot() {
            return this.slots.page.slots[this.number];
        }

        get address() {
            const { model, layer } = this.slot;
            return `/neurons/groups/${encodeURIComponent(model)}/${encodeURIComponent(layer)}`;
        }

        // Another layer has other groups.
        async refresh() {
            const { address } = this;
            if (this.slot.vacant || this.shown === address) return;
            this.shown = address;
            await this.hear(address, await window.perturber.get(address));
        }

        // The server's answer about the groups of a layer, which may have been left meanwhile.
        async hear(address, response) {
            const problem = response.ok ? "" : await window.perturber.sentence(response);
            const own = response.ok ? await response.json() : null;
            if (this.address !== address) return;
            if (own || this.known !== address) this.own = own || {};
            this.known = address;
            if (problem) this.slots.problem(this.number, problem);
            this.fill();
        }

        fill() {
            const { page } = this.slots;
            const { facts, view } = page;
            const published = facts.models[this.slot.model].groups[this.slot.layer] || {};
            const names = facts.classes[facts.models[this.slot.model].classList];
            const others = page.slots.filter((s, n) => n !== this.number && !s.vacant && !s.hidden);
            const now = [
                ["active", "Most active here"],
                ["relevant", "Most relevant for the top class"],
                ...view.pinned.filter((c) => c < names.length).map((c) => [`relevant:${c}`, `Most relevant for ${names[c]}`]),
                ["changed", "Changed most since the reference", !page.reference],
                ["differ", "Differ most from the other model", !others.length],
            ];
            const named = (groups, kind) => Object.keys(groups).map((name) => [`${kind}:${name}`, `${name} (${groups[name].length})`]);
            const keep = [["keep", "Keep these channels as a group …"]];
            const own = Object.keys(this.own);
            if (own.length) keep.push(...own.map((name) => [`drop:${name}`, `Remove “${name}”`]));
            this.menu.replaceChildren(
                make("option", { value: "", textContent: "Group …" }),
                this.part("Computed now", now),
                this.part("Circuits project", named(published, "published")),
                this.part("Your own", [...named(this.own, "own"), ...keep]),
            );
        }

        part(label, options) {
            const group = make("optgroup", { label });
            group.append(...options.map(([value, textContent, disabled]) => make("option", { value, textContent, disabled: Boolean(disabled) })));
            group.hidden = !options.length;
            return group;
        }

        async choose(value) {
            this.menu.value = "";
            const [kind, ...rest] = value.split(":");
            const name = rest.join(":");
            const { facts } = this.slots.page;
            if (kind === "published") this.take(facts.models[this.slot.model].groups[this.slot.layer][name]);
            else if (kind === "own") this.take(this.own[name]);
            else if (kind === "keep") this.keep();
            else if (kind === "drop") this.send(name, []);
            else if (kind) await this.rank(kind, name === "" ? null : Number(name));
        }

        take(list) {
            this.slots.choose(this.number, list.slice(0, this.slots.page.facts.neurons), list);
        }

        async rank(by, index) {
            const { page } = this.slots;
            const { address } = this;
            const body = { ...page.request(), slot: this.number, by, class: index, reference: page.reference };
            const response = await window.perturber.post("/neurons/rank", body);
            const problem = response.ok ? "" : await window.perturber.sentence(response);
            const found = response.ok ? await response.json() : null;
            if (this.address !== address) return; // these channels are of another layer
            if (found) this.slots.choose(this.number, found.channels);
            else this.slots.problem(this.number, problem);
        }

        keep() {
            const name = make("input", { type: "text", maxLength: 60, placeholder: "for example Fur detectors" });
            name.setAttribute("aria-label", "Name of the group");
            const channels = this.slot.list || this.slot.channels;
            window.perturber.ask(`Keep ${channels.length} channels of ${this.slot.layer} as a group`, name, () =>
                this.send(name.value, channels),
            );
        }

        async send(name, channels) {
            const { address } = this;
            await this.hear(address, await window.perturber.post(address, { name, channels }));
        }
    }

    Object.assign(window.perturber, { Slots, parseChannels: parse });
})();
