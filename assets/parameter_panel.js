// The controls of the parameter panel: made here and moved here, at the browser's own rate.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const TYPING_MS = 400;
    const make = (kind, props) => Object.assign(document.createElement(kind), props);

    class ParameterPanel {
        // panel: the element; facts: limits, labels, defaults, groups; change(values): tells the page;
        // resolve(key, text): the text as the server reads it, or an error with the server's sentence
        constructor(panel, facts, { change, resolve }) {
            Object.assign(this, { panel, facts, change, resolve, controls: {} });
            for (const place of panel.querySelectorAll("[data-number]")) this.number(place, place.dataset.number);
            for (const place of panel.querySelectorAll("[data-switch]")) this.switch(place, place.dataset.switch);
            for (const place of panel.querySelectorAll("[data-text]")) this.text(place, place.dataset.text);
            this.rows = {};
            for (const button of panel.querySelectorAll("[data-reset]"))
                this.rows[button.dataset.reset] = button.closest(".control");
            panel.addEventListener("click", (event) => this.reset(event));
            this.search(panel.querySelector(".search"));
        }

        // What the controls show: the scene's values; what differs from its default is marked, in folded groups too.
        show(scene) {
            for (const [key, show] of Object.entries(this.controls)) show(scene[key]);
            const { defaults, groups, morphs } = this.facts;
            const changed = {};
            for (const [key, value] of Object.entries(scene)) {
                const differs = value !== defaults[key];
                if (this.rows[key]) this.rows[key].classList.toggle("changed", differs);
                if (differs) changed[groups[key]] = (changed[groups[key]] || 0) + 1;
            }
            for (const group of this.panel.querySelectorAll("details")) {
                const name = group.dataset.group;
                const title = group.querySelector(".name");
                const text = (name === "Morph" && morphs[scene.object]) || name;
                const count = changed[name] ? ` · ${changed[name]} changed` : "";
                if (title.textContent !== text + count) title.textContent = text + count;
                group.classList.toggle("changed", Boolean(count));
            }
        }

        number(place, key) {
            const { min, max, step, whole } = this.facts.limits[key];
            const label = this.facts.labels[key];
            const slider = make("input", { type: "range", id: place.dataset.id, min, max, step });
            const field = make("input", { type: "number", min, max, step: "any" });
            slider.setAttribute("aria-label", label);
            field.setAttribute("aria-label", `${label}, value`);
            place.querySelector(".slider").replaceChildren(slider);
            place.querySelector(".field").replaceChildren(field);
            slider.addEventListener("input", () => this.change({ [key]: Number(slider.value) }));
            field.addEventListener("change", () => {
                const value = field.value.trim() === "" ? NaN : Number(field.value);
                const good = value >= min && value <= max && (!whole || Number.isInteger(value));
                if (!good)
                    window.perturber.notice(`${label} must be a ${whole ? "whole " : ""}number from ${min} to ${max}.`);
                this.change(good ? { [key]: value } : {});
            });
            this.controls[key] = (value) => {
                if (Number(slider.value) !== value) slider.value = value;
                if (field.value === "" || Number(field.value) !== value) field.value = value;
            };
        }

        switch(place, key) {
            const box = make("input", { type: "checkbox", id: place.dataset.id });
            box.setAttribute("aria-label", this.facts.labels[key]);
            place.replaceChildren(box);
            box.addEventListener("change", () => this.change({ [key]: box.checked }));
            this.controls[key] = (value) => (box.checked = value);
        }

        // A text reaches the scene when the server understands it; until then what was there before stays in force.
        text(place, key) {
            const lines = Number(place.dataset.lines);
            const field = make(lines > 1 ? "textarea" : "input", {
                id: place.dataset.id,
                rows: lines,
                spellcheck: false,
                autocomplete: "off",
            });
            field.setAttribute("aria-label", this.facts.labels[key]);
            const message = place.querySelector(".message");
            place.querySelector(".field").replaceChildren(field);
            let shown = null;
            let timer = null;
            let asked = 0;
            const say = (problem) => {
                message.textContent = problem;
                field.classList.toggle("wrong", problem !== "");
            };
            const read = async () => {
                clearTimeout(timer);
                const number = ++asked;
                try {
                    const value = await this.resolve(key, field.value);
                    if (number !== asked) return;
                    say("");
                    if (lines === 1) field.value = value;
                    shown = value;
                    this.change({ [key]: value });
                } catch (error) {
                    if (number === asked) say(error.message);
                }
            };
            if (lines > 1)
                field.addEventListener("input", () => {
                    clearTimeout(timer);
                    timer = setTimeout(read, TYPING_MS);
                });
            field.addEventListener("change", read);
            this.controls[key] = (value) => {
                if (value === shown) return;
                asked++;
                field.value = shown = value;
                say("");
            };
        }

        reset(event) {
            const button = event.target.closest("[data-reset], [data-reset-group]");
            if (!button) return;
            event.preventDefault(); // in a heading a click would fold the group
            const { defaults, groups } = this.facts;
            const { reset, resetGroup } = button.dataset;
            const wanted = (key) => reset === "all" || key === reset || (resetGroup && groups[key] === resetGroup);
            // A text that was not understood is not in the scene, but it too goes back.
            for (const key of Object.keys(defaults).filter(wanted)) {
                const field = this.panel.querySelector(`[data-text="${key}"] .wrong`);
                if (field) {
                    field.value = defaults[key];
                    field.dispatchEvent(new Event("change"));
                }
            }
            this.change(Object.fromEntries(Object.entries(defaults).filter(([key]) => wanted(key))));
        }

        // Shows only what was looked for, unfolded; an empty field brings everything back as it was.
        search(place) {
            const field = make("input", { type: "search", placeholder: place.dataset.hint });
            field.setAttribute("aria-label", place.dataset.label);
            place.replaceChildren(field);
            const groups = [...this.panel.querySelectorAll("details")];
            let folded = null;
            field.addEventListener("input", () => {
                const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
                if (words.length && !folded) folded = groups.map((group) => group.open);
                let found = 0;
                groups.forEach((group, i) => {
                    let here = 0;
                    for (const control of group.querySelectorAll(".control")) {
                        const fits = words.every((word) => control.dataset.words.includes(word));
                        control.hidden = !fits;
                        here += fits;
                    }
                    group.hidden = here === 0;
                    if (words.length) group.open = true;
                    else if (folded) group.open = folded[i];
                    found += here;
                });
                if (!words.length) folded = null;
                this.panel.classList.toggle("found-nothing", found === 0);
            });
        }
    }

    window.perturber.ParameterPanel = ParameterPanel;
})();
