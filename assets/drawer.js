// Figures that fold away below the slots: the history of the followed classes, and all channels of the layers.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const KEPT = 400;
    const DRAW_EVERY_MS = 400;
    const DASHES = ["dot", "dash", "longdash", "dashdot", "longdashdot", "5px,2px"];
    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);
    const LAYOUT = {
        template: {},
        font: { family: "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif", size: 11, color: "#212529" },
        margin: { l: 52, r: 8, t: 8, b: 28 },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        legend: { bgcolor: "rgba(255,255,255,0.7)" },
    };

    class Drawer {
        // change(values): options that the user has chosen; add(slot, channel): a channel that was clicked
        constructor(page, change, add) {
            Object.assign(this, { page, change, add, open: null, lastDrawn: 0, timer: null, records: [], measure: "probability" });
            this.place = document.querySelector(".explore .drawer");
            this.body = make("div", { className: "figure" });
            this.plot = make("div", { className: "plot" });
            this.tools = make("span", { className: "tools" });
            this.tabs = { history: this.tab("history", "History of classes"), summary: this.tab("summary", "All channels of the layers") };
            const bar = make("div", { className: "bar" });
            bar.append(this.tabs.history, this.tabs.summary, this.tools);
            this.body.append(this.plot);
            this.place.replaceChildren(bar, this.body);
            if (page.view.summary) this.show("summary");
            new ResizeObserver(() => this.plot.data && this.plot.isConnected && window.Plotly.Plots.resize(this.plot)).observe(this.body);
        }

        tab(name, words) {
            const button = make("button", { className: "quiet fold", textContent: words });
            button.addEventListener("click", () => this.show(this.open === name ? null : name));
            return button;
        }

        show(name) {
            this.open = name;
            this.summary = null; // what is known of the channels is of an older picture
            this.place.classList.toggle("open", name !== null);
            for (const [key, button] of Object.entries(this.tabs)) button.classList.toggle("chosen", key === name);
            this.clear();
            this.tools.replaceChildren(...(name === "history" ? this.historyTools() : []), ...(name ? this.saveTools(name) : []));
            if ((name === "summary") !== this.page.view.summary) this.change({ summary: name === "summary" });
            window.dispatchEvent(new Event("resize"));
            this.draw();
        }

        clear() {
            if (window.Plotly) window.Plotly.purge(this.plot);
            delete this.plot.dataset.listening; // the plot has forgotten who listens
        }

        historyTools() {
            const measure = make("select", { title: "What is drawn" });
            measure.setAttribute("aria-label", "Measure of the history");
            measure.append(...["probability", "logit"].map((value) => make("option", { value, textContent: value })));
            measure.value = this.measure;
            measure.addEventListener("change", () => {
                this.measure = measure.value;
                this.draw();
            });
            const csv = make("button", { className: "quiet csv", textContent: "CSV", title: "Save all recorded values" });
            csv.addEventListener("click", () => download("history.csv", this.csv()));
            const clear = make("button", { className: "quiet", textContent: "Clear", title: "Forget what was recorded" });
            clear.addEventListener("click", () => {
                this.records = [];
                this.draw();
            });
            return [measure, csv, clear];
        }

        saveTools(name) {
            return ["svg", "png"].map((format) => {
                const button = make("button", { className: "quiet", textContent: format.toUpperCase(), title: `Save this figure as ${format.toUpperCase()}` });
                button.addEventListener("click", () =>
                    window.Plotly.downloadImage(this.plot, { format, filename: name, width: 900, height: 300, scale: format === "png" ? 4 : 1 }),
                );
                return button;
            });
        }

        // What an answer says of the classes; figures follow a little later, at most a few times a second.
        note(answer, state, sequence) {
            this.records.push({
                update: sequence,
                time: new Date().toISOString(),
                scene: state.scene,
                slots: answer.slots.map((slot, n) => slot && { model: state.slots[n].model, top: slot.top || [], pinned: slot.pinned }),
            });
            if (this.records.length > KEPT) this.records.splice(0, this.records.length - KEPT);
            this.summary = answer.summary;
            if (this.open === null || this.timer !== null) return;
            const pause = Math.max(0, this.lastDrawn + DRAW_EVERY_MS - performance.now());
            this.timer = setTimeout(() => {
                this.timer = null;
                this.draw();
            }, pause);
        }

        draw() {
            if (this.open === null || !window.Plotly || !this.place.isConnected) return;
            this.lastDrawn = performance.now();
            if (this.open === "history") this.drawHistory();
            else if (this.summary) this.drawSummary();
            else this.clear();
        }

        drawSummary() {
            const { data, layout } = this.summary;
            const size = { width: this.body.clientWidth, height: this.body.clientHeight };
            window.Plotly.react(this.plot, data, { ...layout, ...size }, { displayModeBar: false });
            if (this.plot.dataset.listening) return;
            this.plot.dataset.listening = "yes";
            this.plot.on("plotly_click", ({ points: [point] }) => {
                if (this.open !== "summary") return;
                const { slotNames } = this.page.facts;
                const slot = slotNames.findIndex((name) => point.data.name.startsWith(`${name} ·`));
                if (slot >= 0) this.add(slot, point.customdata);
            });
        }

        drawHistory() {
            const { facts, view } = this.page;
            const x = this.records.map(({ update }) => update);
            const traces = [];
            this.page.slots.forEach((slot, n) => {
                if (slot.vacant || !this.records.some((r) => r.slots[n])) return;
                const colour = facts.slotColours[n];
                const find = (record, pick) => (record.slots[n] ? pick(record.slots[n]) : undefined);
                const tops = this.records.map((r) => find(r, (s) => s.top[0]));
                traces.push({
                    x,
                    y: tops.map((score) => (score ? score[this.measure] : null)),
                    text: tops.map((score) => (score ? score.name : "")),
                    name: `${facts.slotNames[n]}: top class`,
                    mode: "lines",
                    line: { color: colour, width: 2 },
                    hovertemplate: "%{text}: <b>%{y:.3f}</b>",
                });
                view.pinned.forEach((index, i) => {
                    const scores = this.records.map((r) => find(r, (s) => [...s.pinned, ...s.top].find((score) => score.index === index)));
                    if (!scores.some(Boolean)) return;
                    traces.push({
                        x,
                        y: scores.map((score) => (score ? score[this.measure] : null)),
                        name: `${facts.slotNames[n]}: ${scores.find(Boolean).name}`,
                        mode: "lines",
                        line: { color: colour, width: 1.5, dash: DASHES[i % DASHES.length] },
                        hovertemplate: "%{y:.3f}",
                    });
                });
            });
            const axis = { gridcolor: "#f1f3f5", zeroline: true, zerolinecolor: "#adb5bd" };
            const range = this.measure === "probability" ? { range: [0, 1], tickformat: ".0%" } : {};
            window.Plotly.react(
                this.plot,
                traces,
                {
                    ...LAYOUT,
                    width: this.body.clientWidth,
                    height: this.body.clientHeight,
                    showlegend: true,
                    hovermode: "x",
                    xaxis: { ...axis, title: { text: "update", standoff: 4 }, zeroline: false },
                    yaxis: { ...axis, ...range, title: { text: this.measure } },
                },
                { displayModeBar: false },
            );
        }

        csv() {
            const { slotNames } = this.page.facts;
            const lines = [["update", "time", "slot", "model", "kind", "class_index", "class", "logit", "probability", "scene"]];
            for (const { update, time, scene, slots } of this.records)
                slots.forEach((slot, n) => {
                    if (!slot) return;
                    const line = (kind, s) => lines.push([update, time, slotNames[n], slot.model, kind, s.index, s.name, s.logit, s.probability, JSON.stringify(scene)]);
                    slot.top.forEach((score, rank) => line(`top ${rank + 1}`, score));
                    slot.pinned.forEach((score) => line("pinned", score));
                });
            return lines.map((cells) => cells.map(quoted).join(",")).join("\r\n") + "\r\n";
        }
    }

    const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));

    function download(name, text) {
        const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }

    window.perturber.Drawer = Drawer;
})();
