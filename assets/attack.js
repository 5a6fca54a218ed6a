// The attack on the picture: what is attacked and how, step by step, and what comes of it in every model.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const METHODS = {
        "pgd l2": ["PGD, L2", { method: "pgd", norm: "l2", epsilon: 1 }],
        "pgd linf": ["PGD, L∞", { method: "pgd", norm: "linf", epsilon: 0.0157 }],
        "fgsm linf": ["FGSM, L∞", { method: "fgsm", norm: "linf", epsilon: 0.0157 }],
        "mifgsm linf": ["MI-FGSM, L∞", { method: "mifgsm", norm: "linf", epsilon: 0.0157 }],
        "mifgsm l2": ["MI-FGSM, L2", { method: "mifgsm", norm: "l2", epsilon: 1 }],
        "sparse l0": ["Sparse PGD, L0", { method: "sparse", norm: "l0", epsilon: 100 }],
    };
    const make = (kind, props = {}, ...children) => {
        const element = Object.assign(document.createElement(kind), props);
        element.append(...children);
        return element;
    };
    const shown = (value, digits = 3) => Number(value.toPrecision(digits));

    class Attack {
        // changed(): tells the page that the attack is another
        constructor(page, changed) {
            const { attack, attackAlpha, originalAlpha } = page.facts;
            Object.assign(this, { page, changed, attackAlpha, originalAlpha, running: attack !== null });
            const first = { ...METHODS["pgd l2"][1], stepSize: null, steps: 0, target: null, randomStart: false, seed: 0 };
            this.values = { ...first, ...attack };
            this.slot = attack ? Math.max(0, page.slots.findIndex((s) => !s.vacant && s.model === attack.model)) : 0;
            this.active = attack !== null;
            this.root = document.querySelector(".explore details.attack");
            this.build();
            this.root.open = this.active;
            this.show();
        }

        get model() {
            return this.page.slots[this.slot].model;
        }

        // As perturber/attack/attack.py writes it
        get text() {
            return this.written(this.values.steps);
        }

        // The same with all the steps that were taken or, before the first, that Run would take
        whole() {
            const { method, steps } = this.values;
            return this.written(steps || (method === "fgsm" ? 1 : this.wanted()));
        }

        wanted() {
            return Math.max(1, Math.min(200, Math.round(Number(this.count.value)) || 8));
        }

        written(steps) {
            const { method, norm, epsilon, stepSize, target, randomStart, seed } = this.values;
            const parts = [`${norm}=${epsilon}`];
            if (steps) parts.push(`steps=${steps}`);
            if (stepSize !== null && method !== "fgsm") parts.push(`step=${stepSize}`);
            if (target !== null) parts.push(`target=${target}`);
            if (randomStart && method !== "fgsm") parts.push("start=random");
            if (seed) parts.push(`seed=${seed}`);
            return `${method}(${parts.join(",")};${this.model})`;
        }

        // What a request or a link says of it
        request() {
            if (!this.active) return {};
            return { attack: this.text, attack_alpha: this.attackAlpha, original_alpha: this.originalAlpha };
        }

        query() {
            const request = this.request();
            return Object.entries(request).filter(([key, value]) => key === "attack" || value !== 1);
        }

        // ---- controls ------------------------------------------------------------------------------------------

        build() {
            const button = (words, title, action) => {
                const element = make("button", { className: "quiet", textContent: words, title });
                element.addEventListener("click", action);
                return element;
            };
            const labelled = (words, title, ...elements) => make("label", { title }, words, ...elements);
            this.models = make("select", { id: "attack-model" });
            this.models.setAttribute("aria-label", "Model to attack");
            this.models.addEventListener("change", () => this.set({}, Number(this.models.value)));
            this.method = make("select", { id: "attack-method" });
            this.method.setAttribute("aria-label", "Attack");
            this.method.append(...Object.entries(METHODS).map(([value, [textContent]]) => make("option", { value, textContent })));
            this.method.addEventListener("change", () => this.set({ ...METHODS[this.method.value][1], stepSize: null }));
            this.epsilon = this.number("attack-epsilon", "ε", (epsilon) => this.set({ epsilon }));
            this.scaled = make("span", { className: "scaled" });
            this.stepSize = this.number("attack-step", "Step size", (stepSize) => this.set({ stepSize }), true);
            this.target = make("input", { type: "search", placeholder: "untargeted", id: "attack-target" });
            this.target.setAttribute("list", "explore-class-names");
            this.target.setAttribute("aria-label", "Target class");
            this.target.addEventListener("change", () => this.aim());
            this.random = make("input", { type: "checkbox", id: "attack-random" });
            this.random.addEventListener("change", () => this.set({ randomStart: this.random.checked }));
            this.count = make("input", { type: "number", min: 1, max: 200, value: 8, id: "attack-count" });
            this.count.setAttribute("aria-label", "Steps to run");
            this.one = button("PGD step", "Take one step", () => this.run(1));
            this.many = button("Run", "Take that many steps", () => this.run(this.wanted()));
            this.stop = button("Stop", "Stop after the present step", () => this.halt());
            this.reset = button("End attack", "Back to the picture as it is; a click into the scene does the same", () => this.end());
            this.progress = make("span", { className: "facts" });
            this.alpha = this.share("Attack Alpha", "Fades the perturbation", (value) => (this.attackAlpha = value));
            this.original = this.share("Original Alpha", "Fades the picture to 50 % grey and leaves the perturbation alone", (value) => (this.originalAlpha = value));
            this.table = make("table", { className: "outcomes" });
            this.pictures = make("div", { className: "perturbations" });
            this.root.replaceChildren(
                make("summary", {}, make("span", { className: "title", textContent: "Attack" }), this.progress),
                make(
                    "div",
                    { className: "body" },
                    make("div", { className: "line" }, labelled("Attack", "The model whose gradients are followed", this.models), this.method, labelled("ε", "Size of the ball, in the [0, 1] pixel scale; for L0 a number of pixels", this.epsilon, this.scaled), labelled("step", "Step size; empty for ε/8", this.stepSize)),
                    make("div", { className: "line" }, labelled("towards", "A class to reach; empty: away from the present one", this.target), labelled("", "Start at a random point of the ball", this.random, "random start"), make("span", { className: "gap" }), this.one, this.many, this.count, this.stop, this.reset),
                    make("div", { className: "line" }, this.alpha.label, this.original.label),
                    make("div", { className: "result" }, this.table, this.pictures),
                ),
            );
            document.getElementById("explore-pointer").addEventListener("pointerdown", () => this.end());
        }

        number(id, label, take, optional = false) {
            const field = make("input", { type: "number", min: 0, step: "any", id });
            field.setAttribute("aria-label", label);
            field.addEventListener("change", () => {
                const value = field.value.trim() === "" ? NaN : Number(field.value);
                if (value >= 0) take(shown(value, 6));
                else if (optional && field.value.trim() === "") take(null);
                else this.show();
            });
            return field;
        }

        share(words, title, take) {
            const slider = make("input", { type: "range", min: 0, max: 1, step: 0.01 });
            slider.setAttribute("aria-label", words);
            const value = make("output");
            slider.addEventListener("input", () => {
                take(Number(slider.value));
                this.show();
                if (this.active) this.changed();
            });
            return { slider, value, label: make("label", { title, className: "share" }, words, slider, value) };
        }

        aim() {
            const written = this.target.value;
            if (!written.trim()) return this.set({ target: null });
            const target = window.perturber.findClass([this.names()], written);
            if (target === undefined) window.perturber.notice(`No class is called “${written.slice(0, 40)}”.`);
            this.set(target === undefined ? {} : { target });
        }

        names() {
            const { facts } = this.page;
            return facts.classes[facts.models[this.model].classList];
        }

        // Another attack begins before its first step.
        set(values, slot = this.slot) {
            Object.assign(this.values, values, { steps: 0 });
            this.slot = slot;
            this.halt();
            const was = this.active;
            this.active = false;
            this.show();
            if (was) this.changed();
        }

        // ---- steps ---------------------------------------------------------------------------------------------

        run(count) {
            const most = this.values.method === "fgsm" ? 1 : 10_000;
            this.active = true;
            this.values.steps = Math.min(most, this.done + count);
            this.running = true;
            this.show();
            this.changed();
        }

        get done() {
            return this.active && this.look ? this.look.done : 0;
        }

        halt() {
            if (this.running && this.look) this.values.steps = this.look.done;
            this.running = false;
            this.show();
        }

        // The attack was on this picture; another one is not attacked.
        end() {
            if (!this.active) return;
            this.active = false;
            this.running = false;
            this.look = null;
            this.values.steps = 0;
            this.show();
            this.changed();
        }

        // look: how the attack stands in an answer, or null
        draw(look, state) {
            this.look = state.attack ? look : null;
            if (look && this.active && look.done < look.steps && this.running) setTimeout(() => window.perturber.gate.again(), 0);
            else this.running = false;
            this.show();
        }

        // ---- what is shown -------------------------------------------------------------------------------------

        show() {
            const { values, page, look } = this;
            const slots = page.slots.map((slot, n) => [slot, n]).filter(([slot]) => !slot.vacant);
            const options = slots.map(([, n]) => page.facts.slotNames[n]);
            if (String(options) !== this.options) {
                this.options = String(options);
                this.models.replaceChildren(...slots.map(([, n]) => make("option", { value: n, textContent: page.facts.slotNames[n] })));
            }
            this.models.value = this.slot;
            this.method.value = `${values.method} ${values.norm}`;
            if (document.activeElement !== this.epsilon) this.epsilon.value = values.epsilon;
            this.scaled.textContent = values.norm === "l0" ? "pixels" : `= ${shown(values.epsilon * 255)}/255`;
            this.stepSize.value = values.stepSize === null ? "" : values.stepSize;
            this.stepSize.placeholder = values.norm === "l0" ? "1" : String(shown(values.epsilon / 8));
            this.stepSize.disabled = this.random.disabled = values.method === "fgsm";
            this.random.checked = values.randomStart;
            if (document.activeElement !== this.target) this.target.value = values.target === null ? "" : `${this.names()[values.target]} (${values.target})`;
            this.one.textContent = values.method === "fgsm" ? "Attack" : "PGD step";
            this.many.hidden = this.count.hidden = values.method === "fgsm";
            this.stop.hidden = !this.running;
            this.reset.disabled = !this.active;
            for (const [part, value] of [[this.alpha, this.attackAlpha], [this.original, this.originalAlpha]]) {
                if (Number(part.slider.value) !== value) part.slider.value = value;
                part.value.textContent = value.toFixed(2);
            }
            const live = this.active && look;
            this.root.classList.toggle("active", this.active);
            this.progress.textContent = live ? `step ${look.done}${look.done < look.steps ? ` of ${look.steps}` : ""} · ‖δ‖₂ ${shown(look.l2)} · ‖δ‖∞ ${shown(look.linf)} (${shown(look.linf * 255)}/255)` : "";
            this.showTable(live ? look.outcomes : []);
            this.showPictures(live ? look.pictures : {});
            this.showSpectrum(live && look.spectrum ? look : null);
        }

        showTable(outcomes) {
            const percent = (share) => `${(share * 100).toFixed(1)}\u00a0%`;
            const head = ["", outcomes.length ? outcomes[0].class : "", "top class before", "top class now"];
            const rows = outcomes.map((o) => [o.slot, `${percent(o.before)} → ${percent(o.now)}`, o.topBefore, `${o.top} ${percent(o.topProbability)}`]);
            const row = (kind, cells, className = "") => make("tr", { className }, ...cells.map((textContent) => make(kind, { textContent, title: textContent })));
            this.table.replaceChildren(...(outcomes.length ? [row("th", head), ...rows.map((cells, i) => row("td", cells, outcomes[i].changed ? "fooled" : ""))] : []));
        }

        // Energy by radial frequency, both on their way from low to high: which frequencies does the attack use?
        showSpectrum(look) {
            let figure = this.pictures.querySelector(".spectrum");
            if (!look) return figure && figure.remove();
            if (!figure) {
                figure = make("figure", { className: "spectrum" }, make("div", { className: "picture" }), make("figcaption"));
                this.pictures.append(figure);
            }
            const powers = look.spectrum.map((energy) => Math.log10(Math.max(energy, 1e-12)));
            const [low, high] = [Math.min(...powers.slice(1)), Math.max(...powers)];
            const place = (power, i) => `${((i / (powers.length - 1)) * 72).toFixed(1)},${(70 - ((Math.max(power, low) - low) / (high - low || 1)) * 66).toFixed(1)}`;
            const cut = (look.lowFrequency / 0.5) * 72;
            figure.querySelector(".picture").innerHTML =
                `<svg viewBox="0 0 72 72" width="72" height="72"><rect width="${cut}" height="72" fill="#e3eaf3"/>` +
                `<polyline points="${powers.map(place).join(" ")}" fill="none" stroke="#b02a37" stroke-width="1.2"/></svg>`;
            figure.querySelector("figcaption").textContent = `${(look.lowShare * 100).toFixed(0)} % low`;
            figure.title = `Radial power spectrum, 0 to 0.5 cycles a pixel, logarithmic: ${(look.lowShare * 100).toFixed(1)} % of the energy lies below ${look.lowFrequency} cycles a pixel`;
        }

        showPictures(pictures) {
            const titles = { amplified: "Perturbation, amplified", sign: "Sign of the perturbation" };
            for (const [name, title] of Object.entries(titles)) {
                let figure = this.pictures.querySelector(`.${name}`);
                if (!pictures[name]) {
                    if (figure) figure.remove();
                    continue;
                }
                if (!figure) {
                    figure = make("figure", { className: name }, make("div", { className: "picture" }, make("img", { alt: title, title })), make("figcaption", { textContent: name }));
                    this.pictures.append(figure);
                }
                figure.querySelector("img").src = pictures[name];
            }
        }
    }

    window.perturber.Attack = Attack;
})();
