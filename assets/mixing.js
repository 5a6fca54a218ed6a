// The Mixing page: sliders become an edit, the edit a model's name, and three models answer at once.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const URL_EVERY_MS = 300;
    const POLL_MS = 500;
    const UNDO = 100;
    const PARTS = ["first", "second", "mode", "level"]; // of an edit: what the sliders follow from
    const make = (kind, props = {}, ...children) => {
        const element = Object.assign(document.createElement(kind), props);
        element.append(...children);
        return element;
    };
    const round = (value) => Number(value.toFixed(4));

    let page = null;

    class Mixing {
        constructor(facts) {
            this.facts = facts;
            const { first, second, mode, level, amounts } = facts.edit;
            this.edit = { first, second, mode, level, amounts: { ...amounts } };
            this.past = [];
            this.future = [];
            this.units = [];
            this.loading = true;
            this.problem = "";
            this.control = new window.perturber.SceneControl("mixing", facts, {
                changed: () => this.publish(),
                model: () => this.edit.first,
            });
            this.stage = this.control.stage;
            this.root = document.querySelector(".mixing");
            this.writeUrlSoon = window.perturber.later(URL_EVERY_MS, () => this.writeUrl());
            window.perturber.gate = new window.perturber.Gate("/mixing/look", (...answer) => this.draw(...answer));
            this.scan = new Scan(this);
            this.buildBar();
            this.loadUnits();
        }

        // ---- the edit ------------------------------------------------------------------------------------------

        // The edit as a model's name (see perturber/editing/edit.py)
        get text() {
            const { first, second, mode } = this.edit;
            const changed = Object.entries(this.edit.amounts).filter(([, values]) => !this.isDefault(values));
            const amounts = changed.map(([unit, values]) => `${unit}=${values.join("-")}`).join(",");
            return `${mode}(${mode === "mix" ? `${first},${second}` : first}${amounts ? ";" : ""}${amounts})`;
        }

        isDefault(values) {
            return this.edit.mode === "mix" ? values[0] === 0 : values[0] === 0 && values[1] === 1;
        }

        values(unit) {
            return this.edit.amounts[unit] || (this.edit.mode === "mix" ? [0] : [0, 1]);
        }

        // Change the edit so that it can be undone; a drag of one slider is one change.
        change(changes, { joins = null } = {}) {
            if (!joins || this.lastJoin !== joins) {
                this.past.push(JSON.stringify(this.edit));
                if (this.past.length > UNDO) this.past.shift();
                this.future = [];
            }
            this.lastJoin = joins;
            const edit = { ...this.edit, ...changes };
            const depth = ({ level }) => this.facts.levels.indexOf(level);
            const lost = edit.first !== this.edit.first || edit.mode !== this.edit.mode || depth(edit) < depth(this.edit);
            if (lost && !changes.amounts) edit.amounts = {};
            this.take(edit);
        }

        undo(from, to) {
            if (!from.length) return;
            to.push(JSON.stringify(this.edit));
            this.lastJoin = null;
            this.take(JSON.parse(from.pop()));
        }

        take(edit) {
            const old = this.edit;
            this.edit = edit;
            if (PARTS.some((key) => old[key] !== edit[key])) this.loadUnits();
            else this.showUnits();
            this.showBar();
            this.publish();
        }

        publish() {
            this.control.draw();
            if (this.loading || this.problem) return;
            window.perturber.gate.offer(this.request());
            this.writeUrlSoon();
        }

        request() {
            const { second, level } = this.edit;
            return { scene: this.control.changes(), edit: this.text, second, level };
        }

        // ---- bar -----------------------------------------------------------------------------------------------

        buildBar() {
            const bar = this.root.querySelector(".editing");
            const models = Object.entries(this.facts.models);
            this.controls = {};
            const menu = (key, options, title) => {
                const select = make("select", { title, id: `mixing-${key}` });
                select.setAttribute("aria-label", title);
                select.append(...options.map(([value, textContent]) => make("option", { value, textContent })));
                select.addEventListener("change", () => this.change({ [key]: select.value }));
                this.controls[key] = select;
                return select;
            };
            const button = (words, title, action) => {
                const element = make("button", { className: "quiet", textContent: words, title });
                element.addEventListener("click", action);
                return element;
            };
            this.back = button("↶", "Undo", () => this.undo(this.past, this.future));
            this.forth = button("↷", "Redo", () => this.undo(this.future, this.past));
            this.presets = make("select", { title: "Presets", id: "mixing-preset" });
            this.presets.setAttribute("aria-label", "Presets");
            this.presets.addEventListener("change", () => this.preset(this.presets.value));
            this.saved = make("select", { title: "Edits that were kept", id: "mixing-saved" });
            this.saved.setAttribute("aria-label", "Edits that were kept");
            this.saved.addEventListener("change", () => this.load(this.saved.value));
            this.keep = button("Save …", "Keep the edited weights as a model of your own", () => this.askToSave());
            this.toExplore = make("a", { className: "button", textContent: "Open in Explore", title: "The edited model as the third slot of Explore" });
            bar.append(
                make("span", { className: "badge one", textContent: "Model 1" }),
                menu("first", models, "Model 1"),
                make("span", { className: "badge two", textContent: "Model 2" }),
                menu("second", models, "Model 2"),
                menu("mode", [["mix", "Mix weights"], ["prune", "Prune filters"]], "What is done to the weights"),
                menu("level", this.facts.levels.map((level) => [level, `by ${level}`]), "How fine the sliders are"),
                this.presets,
                this.back,
                this.forth,
                make("span", { className: "keeping" }, this.saved, this.keep, this.toExplore),
            );
            this.showBar();
            this.listSaved();
        }

        showBar() {
            for (const [key, select] of Object.entries(this.controls)) select.value = this.edit[key];
            this.back.disabled = !this.past.length;
            this.forth.disabled = !this.future.length;
            this.root.classList.toggle("pruning", this.edit.mode === "prune");
            this.keep.disabled = this.loading || Boolean(this.problem);
        }

        // ---- sliders -------------------------------------------------------------------------------------------

        async loadUnits() {
            const { first, second, mode, level } = this.edit;
            const wanted = PARTS.map((key) => this.edit[key]).join();
            const place = this.root.querySelector(".units");
            this.wantedUnits = wanted;
            this.loading = place.inert = true;
            if (!place.children.length) place.append(make("p", { className: "empty", textContent: "Loading the models …" }));
            const query = new URLSearchParams({ first, level, ...(mode === "mix" ? { second } : {}) });
            const response = await window.perturber.get(`/mixing/units?${query}`);
            const answer = response.ok ? await response.json() : await window.perturber.sentence(response);
            if (this.wantedUnits !== wanted || !this.control.alive) return;
            this.problem = response.ok ? "" : answer;
            this.units = response.ok ? answer : [];
            if (response.ok && !this.fit()) return;
            this.loading = place.inert = false;
            this.buildUnits();
            this.showBar();
            this.publish();
        }

        // An edit from elsewhere may name units of any levels: the sliders become as fine as its finest, and each takes
        // what holds for it. False where they are to be finer.
        fit() {
            const named = Object.keys(this.edit.amounts);
            if (named.every((name) => this.units.includes(name))) return true;
            const inside = (unit, outer) => unit.startsWith(outer) && !/^[0-9a-z]/i.test(unit.slice(outer.length));
            const finer = this.facts.levels[this.facts.levels.indexOf(this.edit.level) + 1];
            if (finer && named.some((name) => !this.units.some((unit) => inside(unit, name)))) {
                this.edit.level = finer;
                this.loadUnits();
                return false;
            }
            const closest = (unit) => named.filter((name) => inside(unit, name)).sort((a, b) => b.length - a.length)[0];
            const amounts = this.units.map((unit) => [unit, this.edit.amounts[closest(unit)]]);
            this.edit.amounts = Object.fromEntries(amounts.filter(([, values]) => values));
            return true;
        }

        buildUnits() {
            const place = this.root.querySelector(".units");
            const { mode } = this.edit;
            this.root.classList.toggle("impossible", Boolean(this.problem));
            this.presets.disabled = Boolean(this.problem);
            if (this.problem) {
                this.rows = null;
                place.replaceChildren(make("p", { className: "empty", textContent: this.problem }));
                this.presets.replaceChildren(make("option", { textContent: "Preset …" }));
                return;
            }
            const explained =
                mode === "mix"
                    ? "Share of Model 2 in each part’s weights and statistics"
                    : "Filters that stay, by mean absolute weight: 0 weakest, 1 strongest";
            const master = make("div", { className: "unit master" }, make("label", { textContent: "All parts" }), ...this.sliders("All parts", null));
            const list = make("div", { className: "list" });
            this.rows = new Map();
            for (const unit of this.units) {
                const row = make("div", { className: "unit" }, make("label", { textContent: unit, title: unit }), ...this.sliders(unit, unit));
                this.rows.set(unit, row);
                list.append(row);
            }
            this.master = master;
            place.replaceChildren(make("p", { className: "explained", textContent: explained }), master, list);
            const words = mode === "mix" ? mixPresets(this.units) : PRUNE_PRESETS;
            this.presets.replaceChildren(...[["", "Preset …"], ...words].map(([value, textContent]) => make("option", { value, textContent })));
            this.showUnits();
        }

        sliders(label, unit) {
            const count = this.edit.mode === "mix" ? 1 : 2;
            const inputs = Array.from({ length: count }, (_, i) => {
                const slider = make("input", { type: "range", min: 0, max: 1, step: 0.01 });
                slider.setAttribute("aria-label", count === 1 ? label : `${label}, ${i ? "to" : "from"}`);
                slider.addEventListener("input", () => this.slide(unit, inputs.map((s) => Number(s.value)), i));
                slider.addEventListener("change", () => (this.lastJoin = null));
                return slider;
            });
            return [make("span", { className: "sliders" }, ...inputs), make("output")];
        }

        // The two ends of a range push each other along.
        slide(unit, values, moved) {
            if (values.length === 2 && values[0] > values[1]) values[1 - moved] = values[moved];
            const rounded = values.map(round);
            const amounts = { ...this.edit.amounts };
            for (const name of unit === null ? this.units : [unit]) amounts[name] = rounded;
            this.change({ amounts }, { joins: `slide ${unit}` });
        }

        showUnits() {
            if (!this.rows) return;
            const show = (row, values) => {
                row.querySelectorAll("input").forEach((slider, i) => Number(slider.value) !== values[i] && (slider.value = values[i]));
                row.querySelector("output").textContent = values.map((v) => v.toFixed(2)).join(" – ");
                row.classList.toggle("changed", !this.isDefault(values));
            };
            for (const [unit, row] of this.rows) show(row, this.values(unit));
            const all = this.units.map((unit) => this.values(unit));
            const same = all.length && all.every((values) => String(values) === String(all[0]));
            if (all.length) show(this.master, same ? all[0] : all[0].map((_, i) => round(all.reduce((sum, v) => sum + v[i], 0) / all.length)));
            this.master.classList.toggle("mixed", !same);
        }

        preset(name) {
            this.presets.value = "";
            if (!name) return;
            const [kind, unit] = [name.split(":")[0], name.slice(name.indexOf(":") + 1)];
            const last = this.units.indexOf(unit);
            const rule = {
                none: () => [0],
                all: () => [1],
                swap: (u) => [round(1 - this.values(u)[0])],
                alternate: (_, i) => [i % 2],
                early: (_, i) => [i <= last ? 1 : 0],
                late: (_, i) => [i >= last ? 1 : 0],
                whole: () => [0, 1],
                strong: () => [0.5, 1],
                weak: () => [0, 0.5],
                middle: () => [0.1, 0.9],
            }[kind];
            this.change({ amounts: Object.fromEntries(this.units.map((u, i) => [u, rule(u, i)])) });
        }

        // ---- keeping -------------------------------------------------------------------------------------------

        askToSave() {
            const name = make("input", { type: "text", maxLength: 64, placeholder: "a name: a-z, 0-9, _ . -" });
            name.setAttribute("aria-label", "Name of the new model");
            const again = make("input", { type: "checkbox" });
            const fields = make("div", { className: "fields" }, name);
            if (this.facts.examples)
                fields.append(make("label", { title: "Mean and variance of each normalisation are measured anew over the folder of example pictures" }, again, "Recalibrate BatchNorm statistics"));
            Object.defineProperty(fields, "value", { get: () => name.value });
            window.perturber.ask("Keep the edited weights as a model", fields, () => this.save(name.value.trim(), again.checked));
        }

        async save(name, recalibrate) {
            const response = await window.perturber.post("/mixing/save", { edit: this.text, name, recalibrate });
            if (!response.ok) return window.perturber.notice(await window.perturber.sentence(response));
            await follow(this, await response.json(), (job) => window.perturber.notice(`Saving ${name}: ${job.done} of ${job.steps}`), (job) => {
                if (job.state !== "done") return window.perturber.notice(job.error || `${name} was not saved.`);
                window.perturber.notice(`Saved as ${name}; it is in the menus of models now.`);
                this.facts.models[name] = name;
                for (const key of ["first", "second"]) this.controls[key].append(make("option", { value: name, textContent: name }));
                this.listSaved();
            });
        }

        async listSaved() {
            const response = await window.perturber.get("/mixing/saved");
            this.kept = response.ok ? await response.json() : [];
            const options = [["", this.kept.length ? "Load …" : "Nothing kept yet"], ...this.kept.map((edit) => [edit.name, `${edit.name} (${edit.date.slice(0, 10)})`])];
            this.saved.replaceChildren(...options.map(([value, textContent]) => make("option", { value, textContent })));
            this.saved.disabled = !this.kept.length;
        }

        load(name) {
            this.saved.value = "";
            const found = this.kept.find((edit) => edit.name === name);
            if (!found) return;
            const { first, second, mode, amounts } = found;
            const [level] = this.facts.levels; // or as fine as it needs
            this.change({ first, second: second || this.edit.second, mode, level, amounts: { ...amounts } });
        }

        // ---- answers -------------------------------------------------------------------------------------------

        draw(answer, state, sequence) {
            if (!this.control.alive) return;
            this.control.showAnswer(answer);
            const logits = answer.slots.flatMap((slot) => (slot ? slot.top.map((score) => score.logit) : []));
            const largest = Math.max(...logits, 0); // of all columns: their bars are compared
            answer.slots.forEach((slot, number) => {
                const column = document.getElementById(`mixing-outcome-${number}`);
                column.hidden = !slot; // there is no Model 2 where Model 1 is pruned
                if (!slot) return;
                const edited = state.edit.startsWith("mix(") ? "weights of both" : "without some filters";
                column.querySelector(".name").textContent = number === 2 ? edited : this.facts.models[slot.signature];
                drawBars(column.querySelector(".bars"), slot.top, largest);
            });
            this.displayed = { state, sequence };
        }

        writeUrl() {
            if (!this.control.alive) return;
            const scene = Object.entries(this.control.changes());
            const { second, level, mode, first } = this.edit;
            const own = [
                ["edit", this.text],
                ...(mode === "prune" ? [["second", second]] : []),
                ...(level === "stage" ? [] : [["level", level]]),
                ...(this.scan.job ? [["scan", this.scan.job]] : []),
            ];
            const query = (values) => new URLSearchParams(values).toString();
            const url = `/mixing?${query([...scene, ...own])}`;
            history.replaceState(history.state, "", url);
            window.dash_clientside.set_props("link-mixing", { href: url });
            this.toExplore.href = `/?${query([...scene, ["m1", first], ["m2", second], ["m3", this.text]])}`;
        }
    }

    const PRUNE_PRESETS = [["whole", "All filters"], ["strong", "Strongest half"], ["weak", "Weakest half"], ["middle", "Without the outer tenths"]];

    function mixPresets(units) {
        return [
            ["none", "Model 1 everywhere"],
            ["all", "Model 2 everywhere"],
            ["swap", "Swap the models"],
            ["alternate", "Alternate"],
            ...units.slice(0, -1).map((unit) => [`early:${unit}`, `Model 2 up to ${unit}`]),
            ...units.slice(1).map((unit) => [`late:${unit}`, `Model 2 from ${unit} on`]),
        ];
    }

    function drawBars(bars, top, largest) {
        while (bars.children.length !== top.length)
            bars.replaceChildren(...top.map(() => make("div", { className: "row" }, make("span", { className: "name" }), make("span", { className: "share" }), make("div", { className: "length" }))));
        top.forEach((score, i) => {
            const [name, share, bar] = bars.children[i].children;
            name.textContent = score.name;
            name.title = `${score.name} (class ${score.index})`;
            share.textContent = `${(score.probability * 100).toFixed(1)} %`;
            bar.textContent = score.logit.toFixed(2);
            bar.style.width = `${largest > 0 ? (Math.max(score.logit, 0) / largest) * 100 : 0}%`;
        });
    }

    // Look at a job until it is over, or nobody looks at the page.
    async function follow(mixing, job, step, over) {
        while (job && !["done", "failed", "cancelled"].includes(job.state)) {
            step(job);
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
            if (!mixing.control.alive) return;
            const response = await window.perturber.get(`/mixing/job/${job.job}`);
            if (response.status === 503) continue; // it comes back
            if (!response.ok) return over({ state: "failed", error: await window.perturber.sentence(response) });
            job = await response.json();
        }
        over(job);
    }

    const ATTACK_STEPS = 8;

    // Where the two models fit together: a job, whose figure grows.
    class Scan {
        constructor(mixing) {
            this.mixing = mixing;
            this.root = mixing.root.querySelector(".scan");
            const bar = this.root.querySelector(".scanning");
            this.plot = make("div", { className: "plot" });
            this.words = make("span", { className: "words" });
            const explained = "Cuts both models behind each part and joins the halves: where do they fit together?";
            this.plot.append(make("p", { className: "empty", textContent: explained }));
            const button = (words, title, action) => {
                const element = make("button", { className: "quiet", textContent: words, title });
                element.addEventListener("click", action);
                return element;
            };
            this.reverse = make("input", { type: "checkbox", id: "mixing-reverse" });
            this.attack = make("select", { ariaLabel: "Attack on every cut", title: `Attack every cut as well, by ${ATTACK_STEPS} steps of ε/8 along its own gradients` });
            this.attack.append(...[["", "no attack"], ["l2", "under PGD, L2"], ["linf", "under PGD, L∞"]].map(([value, textContent]) => make("option", { value, textContent })));
            this.epsilon = make("input", { type: "number", min: 0, step: "any", ariaLabel: "ε of the attack", title: "Size of the ball, in the [0, 1] pixel scale" });
            this.scaled = make("span", {});
            const ball = make("label", { hidden: true }, "ε", this.epsilon, this.scaled);
            const scaled = () => (this.scaled.textContent = `= ${Number((this.epsilon.value * 255).toFixed(2))}/255`);
            this.epsilon.addEventListener("input", scaled);
            this.attack.addEventListener("change", () => {
                ball.hidden = !this.attack.value;
                this.epsilon.value = { l2: 1, linf: 0.0157 }[this.attack.value] || "";
                scaled();
            });
            this.stop = button("Cancel", "End this scan", () => window.perturber.post(`/jobs/${this.job}/cancel`, {}));
            this.stop.hidden = true;
            bar.append(
                make("h2", { textContent: "Compatibility" }),
                button("Scan this scene", "Every cut on the scene as it is now", () => this.start(false)),
                ...(mixing.facts.examples ? [button("Scan example pictures", "Every cut on up to 256 pictures of the folder of examples", () => this.start(true))] : []),
                make("label", { title: "Early parts from Model 1 rather than from Model 2" }, this.reverse, "early parts from Model 1"),
                this.attack,
                ball,
                this.stop,
                this.words,
                make("span", { className: "gap" }),
                ...["svg", "png"].map((format) => button(format.toUpperCase(), `Save this figure as ${format.toUpperCase()}`, () => this.drawn && window.Plotly.downloadImage(this.plot, { format, filename: "compatibility", width: 900, height: 360, scale: format === "png" ? 4 : 1 }))),
            );
            this.root.querySelector(".figure").append(this.plot);
            new ResizeObserver(() => this.draw()).observe(this.root.querySelector(".figure"));
            this.recall(mixing.facts.edit.scan);
        }

        // The scan that a link names.
        async recall(job) {
            if (!job) return;
            const response = await window.perturber.get(`/mixing/job/${job}`);
            if (response.ok) this.follow(await response.json());
            else this.words.textContent = await window.perturber.sentence(response);
        }

        async start(folder) {
            const { value: norm } = this.attack;
            const attack = norm && `pgd(${norm}=${this.epsilon.value},steps=${ATTACK_STEPS};${this.mixing.edit.first})`;
            const body = { ...this.mixing.request(), folder, reverse: this.reverse.checked, attack };
            if (!this.stop.hidden) this.stop.click(); // what nobody will see
            const response = await window.perturber.post("/mixing/scan", body);
            if (!response.ok) return (this.words.textContent = await window.perturber.sentence(response));
            this.follow(await response.json());
        }

        follow(job) {
            this.job = job.job;
            this.mixing.writeUrlSoon();
            const mine = (show) => (now) => this.job === job.job && show(now);
            follow(
                this.mixing,
                job,
                mine((now) => this.show({ ...job, ...now }, `: ${now.done} of ${now.steps} steps`, false)),
                mine((now) => this.show({ ...job, ...now }, now.state === "done" ? "" : `: ${now.error || "cancelled."}`, true)),
            );
        }

        show(job, words, over) {
            this.stop.hidden = over;
            this.words.textContent = this.words.title = `${job.title.replace("Compatibility of ", "")}${words}`;
            if (job.figure) {
                if (!this.drawn) this.plot.replaceChildren();
                this.drawn = job.figure;
                this.draw();
            }
        }

        draw() {
            if (!this.drawn || !this.mixing.control.alive) return;
            if (!window.Plotly) return setTimeout(() => this.draw(), POLL_MS); // Dash is still fetching it
            const { clientWidth: width, clientHeight: height } = this.root.querySelector(".figure");
            if (width && height) window.Plotly.react(this.plot, this.drawn.data, { ...this.drawn.layout, width, height }, { displayModeBar: false });
        }
    }

    window.dash_clientside.mixing = {
        changed(choices, facts) {
            const fresh = !page || page.stage !== document.getElementById("mixing-stage");
            if (fresh) {
                page = new Mixing(facts);
                window.perturber.page = page;
            } else {
                page.control.heard();
            }
            page.publish();
            return page.request();
        },
    };
})();
