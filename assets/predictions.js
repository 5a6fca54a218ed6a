// A slot's prediction: bars, pinned classes, the example picture of a class, and what in the picture speaks for it.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);

    class Predictions {
        constructor(page, number, pin) {
            Object.assign(this, { page, number, pin, hovered: null, top: null, model: null, needed: null });
            this.frame = document.getElementById(`explore-slot-${number}`);
            this.bars = this.frame.querySelector(".bars");
            this.pins = this.frame.querySelector(".pins");
            this.evidence = this.frame.querySelector(".evidence");
            this.missing = new Set(); // classes without an example picture
            this.build();
        }

        build() {
            const figure = (name) => {
                const element = make("figure", { className: name });
                element.append(make("div", { className: "picture" }), make("figcaption"));
                return element;
            };
            this.evidence.replaceChildren(figure("example"), figure("cam"), figure("gradient"));
            for (const place of [this.bars, this.pins]) {
                place.addEventListener("mouseover", (event) => {
                    const row = event.target.closest(".row");
                    this.hover(row ? Number(row.dataset.index) : null);
                });
                place.addEventListener("mouseleave", () => this.hover(null)); // also if the row itself is gone
                place.addEventListener("click", (event) => {
                    const row = event.target.closest(".row");
                    if (row) this.pin(Number(row.dataset.index));
                });
            }
        }

        // answer: the slot's part of an answer; slot: what was asked for
        draw(answer, slot) {
            this.top = answer && answer.top;
            this.model = slot && slot.model;
            this.drawBars();
            this.drawPins((answer && answer.pinned) || []);
            this.drawEvidence(answer && answer.explanation);
            this.showExample();
        }

        drawBars() {
            const { bars, top } = this;
            if (!top) {
                bars.replaceChildren(make("p", { className: "empty", textContent: "Predictions are switched off" }));
                return;
            }
            while (bars.children.length !== top.length || bars.querySelector(".empty"))
                bars.replaceChildren(...top.map(() => makeRow("Pin")));
            const largest = Math.max(top[0].logit, 0);
            top.forEach((score, i) => {
                const bar = fill(bars.children[i], score);
                bar.textContent = score.logit.toFixed(2);
                bar.style.width = `${largest > 0 ? (Math.max(score.logit, 0) / largest) * 100 : 0}%`;
            });
        }

        drawPins(pinned) {
            const { pins } = this;
            while (pins.children.length !== pinned.length) pins.replaceChildren(...pinned.map(() => makeRow("Unpin")));
            pinned.forEach((score, i) => {
                fill(pins.children[i], score).textContent = score.logit.toFixed(2);
            });
        }

        drawEvidence(explanation) {
            this.evidence.classList.toggle("explained", Boolean(explanation));
            if (!explanation) return;
            const titles = {
                cam: `Grad-CAM of the last feature maps for ${explanation.class}`,
                gradient: `Gradient of the logit of ${explanation.class}: red where a brighter pixel raises it`,
            };
            for (const [name, title] of Object.entries(titles)) {
                const figure = this.evidence.querySelector(`.${name}`);
                let image = figure.querySelector("img");
                if (!image) figure.querySelector(".picture").append((image = make("img")));
                Object.assign(image, { src: explanation[name], alt: title, title });
                figure.querySelector("figcaption").textContent = name === "cam" ? "Grad-CAM" : "Input gradient";
            }
        }

        hover(index) {
            this.hovered = index;
            this.showExample();
        }

        // The example picture of the class that is pointed at, or of the first one; where there is none its logit's
        // feature visualisation stands in, and says so.
        showExample() {
            const index = this.top ? this.hovered ?? this.top[0].index : null;
            const figure = this.evidence.querySelector(".example");
            figure.hidden = index === null;
            const { model } = this;
            const { facts } = this.page;
            const stands = index !== null && (!facts.examples || this.missing.has(`${model} ${index}`));
            const needed = stands ? index : null;
            if (needed !== this.needed) {
                this.needed = needed;
                if (stands) this.page.visualisations.refresh();
            }
            if (index === null) return;
            const name = facts.classes[facts.models[model].classList][index];
            const place = figure.querySelector(".picture");
            const caption = figure.querySelector("figcaption");
            if (stands) {
                window.perturber.showVisualisation(place, this.page.visualisations.state(model, null, index), `Feature visualisation of the logit of ${name}`);
                caption.textContent = `${name}: its logit’s feature visualisation`;
                caption.title = facts.examples
                    ? "The folder of examples has no picture of this class."
                    : "No folder of example pictures is set (PERTURBER_EXAMPLES).";
            } else {
                caption.textContent = `${name}: an example`;
                caption.title = "From the folder of example pictures";
                window.perturber.showImage(place, `/classes/${encodeURIComponent(model)}/${index}.jpg`, `An example of ${name}`, () => {
                    this.missing.add(`${model} ${index}`);
                    this.showExample();
                });
            }
        }
    }

    function makeRow(action) {
        const row = make("div", { className: "row" });
        row.dataset.action = action;
        row.append(make("span", { className: "name" }), make("span", { className: "share" }), make("div", { className: "length" }));
        return row;
    }

    function fill(row, score) {
        const [name, share, bar] = row.children;
        row.dataset.index = score.index;
        name.textContent = score.name;
        name.title = `${score.name} (class ${score.index}). ${row.dataset.action} it: click`;
        share.textContent = `${(score.probability * 100).toFixed(1)} %`;
        return bar;
    }

    // A prediction in few lines: names over their logits as bars, with their probabilities.
    window.perturber.tops = function (top, kind, hint = "") {
        const largest = Math.max(top[0].logit, 1e-9);
        return top.map((score) => {
            const row = make(kind, { className: "top", title: `${score.name} (class ${score.index}), logit ${score.logit.toFixed(2)}. ${hint}` });
            row.style.setProperty("--share", `${(Math.max(score.logit, 0) / largest) * 100}%`);
            row.append(make("span", { textContent: score.name }), make("span", { textContent: `${(score.probability * 100).toFixed(1)} %` }));
            return row;
        });
    };

    window.perturber.Predictions = Predictions;
})();
