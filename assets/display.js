// How things are shown: the scale of the colours, what stands under the maps, which classes are followed.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);

    class Display {
        // change(values): options that the user has chosen
        constructor(page, change) {
            Object.assign(this, { page, change });
            this.controls = {};
            document.querySelector(".explore .display").replaceChildren(...this.scale(), this.overlay(), this.cards(), this.recipe());
            document.querySelector(".explore .pinning").replaceChildren(this.pinning(), this.explain());
            this.show();
        }

        show() {
            for (const show of Object.values(this.controls)) show(this.page.view);
        }

        labelled(words, element, title) {
            const label = make("label", { title });
            label.append(...(element.type === "checkbox" ? [element, words] : [words, element]));
            return label;
        }

        scale() {
            const slider = make("input", { type: "range", min: -3, max: 3, step: 0.05, id: "explore-divisor" });
            slider.setAttribute("aria-label", "Act. Normalization, log10 of the divisor");
            const value = make("output");
            const auto = make("button", { className: "quiet", textContent: "4 σ", title: "Four standard deviations of the whole layer’s activations for this picture" });
            slider.addEventListener("input", () => this.change({ divisor: Number(slider.value) }));
            auto.addEventListener("click", () => this.change({ divisor: null }));
            this.controls.divisor = ({ divisor }) => {
                if (divisor !== null && Number(slider.value) !== divisor) slider.value = divisor;
                slider.classList.toggle("idle", divisor === null);
                auto.classList.toggle("chosen", divisor === null);
                value.textContent = divisor === null ? "" : `÷ ${Number((10 ** divisor).toPrecision(3))}`;
            };
            const shared = this.box("shared", "Shared", "One scale for all models: the widest of their own");
            // While four sigmas are in force the slider shows where they are, so that a fixed divisor starts from there.
            this.follow = (end) => {
                if (this.page.view.divisor === null && end > 0) slider.value = Math.log10(end);
            };
            const title = "The activation at which the colours end. The slider sets log10 of a fixed divisor, with which two states can be compared absolutely; 4 σ follows the picture.";
            const label = this.labelled("Act. Normalization", slider, title);
            label.append(value);
            return [label, auto, shared];
        }

        box(key, words, title) {
            const box = make("input", { type: "checkbox", id: `explore-${key}` });
            box.addEventListener("change", () => this.change({ [key]: box.checked }));
            this.controls[key] = (view) => (box.checked = view[key]);
            return this.labelled(words, box, title);
        }

        overlay() {
            return this.box("overlay", "Overlay", "Lay the marked heatmap over the model input; click on a heatmap to mark it");
        }

        select(key, options, title, read = (value) => value) {
            const menu = make("select", { title, id: `explore-${key}` });
            menu.setAttribute("aria-label", title);
            menu.append(...options.map(([value, textContent]) => make("option", { value, textContent })));
            menu.addEventListener("change", () => this.change({ [key]: read(menu.value) }));
            this.controls[key] = (view) => (menu.value = String(view[key]));
            return menu;
        }

        cards() {
            const options = [["visualisation", "Visualisations"], ["examples", "Examples"], ["none", "Maps only"]];
            return this.select("cards", options, "Under each heatmap: feature visualisations, examples from a data set, or nothing");
        }

        recipe() {
            const details = make("details", { className: "recipe" });
            const panel = make("div");
            panel.append(
                this.labelled("Objective", this.select("objective", [["neuron", "neuron"], ["channel", "channel"]], "Objective: the unit in the middle, or the whole channel")),
                this.labelled("Variants", this.select("variants", [1, 2, 3, 4, 5, 6].map((n) => [n, n]), "Variants of each neuron, pushed apart by Lucent’s diversity objective: units that stand for several things show them", Number)),
                this.box("naive", "Naive parameterisation", "Optimise pixels, without decorrelated colours; otherwise Fourier coefficients of decorrelated colours"),
            );
            details.append(make("summary", { textContent: "⚙", title: "How feature visualisations are made" }), panel);
            return details;
        }

        pinning() {
            const lists = Object.values(this.page.facts.classes);
            return window.perturber.classSearch("explore", lists, (index) => this.page.view.pinned.includes(index) || this.pin(index));
        }

        // Pin a class, or let it go.
        pin(index) {
            const { view, facts } = this.page;
            const pinned = window.perturber.togglePinned(view.pinned, index, facts.maxPinned);
            if (!pinned) return;
            const gone = view.explain === index && !pinned.includes(index);
            this.change({ pinned, ...(gone ? { explain: "top" } : {}) });
        }

        explain() {
            const menu = make("select", { id: "explore-explain", title: "Grad-CAM and input gradient for a class" });
            menu.setAttribute("aria-label", "Grad-CAM and input gradient for");
            menu.addEventListener("change", () => {
                const { value } = menu;
                this.change({ explain: value === "none" ? null : value === "top" ? "top" : Number(value) });
            });
            this.controls.explain = ({ explain, pinned }) => {
                const names = Object.values(this.page.facts.classes)[0];
                const known = [...new Set([...pinned, ...(typeof explain === "number" ? [explain] : [])])];
                const options = [["none", "Grad-CAM off"], ["top", "Grad-CAM: top class"], ...known.map((c) => [c, `Grad-CAM: ${names[c]}`])];
                menu.replaceChildren(...options.map(([value, textContent]) => make("option", { value, textContent })));
                menu.value = explain === null ? "none" : String(explain);
            };
            return menu;
        }
    }

    // A click elsewhere closes what is open; one listener for all visits.
    document.addEventListener("click", (event) => {
        for (const details of document.querySelectorAll(".recipe[open]"))
            if (!details.contains(event.target)) details.open = false;
    });

    window.perturber.Display = Display;
})();
