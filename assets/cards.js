// The cards of a slot: heatmap and picture of a neuron in one frame. One Plotly heatmap lies over the cards of a slot.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const LABEL = 15; // pixels of height
    const PAD = 4;
    const STILL_MS = 200; // after the last answer, before Plotly follows
    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);

    class Cards {
        constructor(page, number) {
            Object.assign(this, { page, number, flipped: new Set(), shown: null, values: null });
            this.frame = document.getElementById(`explore-slot-${number}`);
            this.place = this.frame.querySelector(".neurons .figure");
            this.row = this.frame.querySelector(".cards");
            this.maps = this.frame.querySelector(".maps");
            this.canvas = make("canvas");
            this.maps.append(this.canvas);
            this.colours = window.perturber.colourTable(page.facts.diverging);
            new ResizeObserver(() => this.arrange()).observe(this.place);
        }

        get plot() {
            return this.frame.querySelector(".js-plotly-plot");
        }

        // answer: the slot's part of an answer; slot: what was asked for, which the user may have changed since;
        // end: where the colours end
        draw(answer, slot, end) {
            this.shown = answer !== null && answer.scale !== null ? slot : null;
            this.frame.classList.toggle("no-activations", !this.shown);
            if (!this.shown) return;
            const { plot } = this;
            this.label(end);
            if (answer.z) this.values = rows(answer.z);
            else this.values = rowsOf(answer.figure.data[0].z);
            if (answer.figure) {
                this.listen(plot);
                window.Plotly.react(plot, answer.figure.data, answer.figure.layout, { displayModeBar: false, responsive: false });
                this.build();
            }
            this.colour(end);
        }

        // Other colours for what is drawn.
        rescale(end) {
            if (!this.shown) return;
            this.label(end);
            this.colour(end);
        }

        // The maps are painted at once, over Plotly's: Plotly takes ten times as long, and follows when there is time,
        // for what a pointer finds. Its data are never older than what is seen.
        colour(end) {
            const scale = end || 1;
            Object.assign(this.plot.data[0], { z: this.values, zmin: -scale, zmax: scale });
            window.perturber.paint(this.canvas, this.values, scale, this.colours);
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.maps.isConnected && window.Plotly.redraw(this.plot), STILL_MS);
        }

        label(end) {
            this.frame.querySelector(".low").textContent = `−${end.toPrecision(3)}`;
            this.frame.querySelector(".high").textContent = `+${end.toPrecision(3)}`;
        }

        listen(plot) {
            if (plot.dataset.listening) return;
            plot.dataset.listening = "yes";
            plot.on("plotly_click", ({ points: [point] }) => {
                const [channel, row, column] = point.customdata;
                this.page.marker.choose(this, { channel, row, column });
            });
        }

        // The maps' places follow from the room that there is; the heatmap's gaps are shares of a map's width.
        arrange() {
            const { width, height } = this.place.getBoundingClientRect();
            if (!this.shown || !width || !height) return;
            const { channels, layer, model } = this.shown;
            const wide = this.page.facts.models[model].layers[layer][2];
            const gap = Math.ceil(this.page.facts.gap * wide) / wide;
            const pictures = this.page.view.cards !== "none";
            const count = channels.length;
            const free = height - LABEL - 3 * PAD - (pictures ? PAD : 0);
            const side = Math.max(24, Math.floor(Math.min((width - 2 * PAD) / (count + (count - 1) * gap), pictures ? free / 2 : free)));
            const pitch = side * (1 + gap);
            const strip = side * (count + (count - 1) * gap);
            Object.assign(this.maps.style, {
                left: `${PAD}px`,
                top: `${LABEL + PAD}px`,
                width: `${strip}px`,
                height: `${side}px`,
            });
            const frame = Math.min(PAD, (pitch - side) / 2 - 1);
            [...this.row.children].forEach((card, n) => {
                Object.assign(card.style, {
                    left: `${PAD + n * pitch - frame}px`,
                    width: `${side + 2 * frame}px`,
                    height: `${LABEL + PAD + side + (pictures ? side + PAD : 0) + PAD}px`,
                    padding: `0 ${frame - 1}px`,
                });
                card.style.setProperty("--side", `${side}px`);
            });
            const plot = this.plot;
            if (plot && plot.data && plot.data.length && this.sizedAs !== `${strip} ${side}`) {
                this.sizedAs = `${strip} ${side}`;
                window.Plotly.relayout(plot, { width: strip, height: side });
            }
        }

        // New cards: other channels, another layer or another model.
        build() {
            this.flipped.clear();
            this.row.replaceChildren(
                ...this.shown.channels.map((channel, n) => {
                    const card = make("div", { className: "card" });
                    const label = make("div", { className: "label" });
                    label.append(make("span", { textContent: channel }));
                    const flip = make("button", { className: "flip", textContent: "⇄", title: "Feature visualisation ⇄ dataset examples" });
                    flip.addEventListener("click", () => this.flip(n));
                    label.append(flip);
                    const picture = make("div", { className: "picture" });
                    card.append(label, make("div", { className: "map" }), picture);
                    return card;
                }),
            );
            this.sizedAs = null;
            this.arrange();
            this.showPictures();
        }

        flip(n) {
            if (!this.flipped.delete(n)) this.flipped.add(n);
            this.showPicture(n);
        }

        showPictures() {
            this.row.classList.toggle("without-pictures", this.page.view.cards === "none");
            if (this.shown) this.shown.channels.forEach((_, n) => this.showPicture(n));
        }

        showPicture(n) {
            const place = this.row.children[n] && this.row.children[n].querySelector(".picture");
            if (!place) return;
            const { cards } = this.page.view;
            if (cards === "none") return; // the style sheet hides them
            if ((cards === "examples") !== this.flipped.has(n)) this.showExamples(place, this.shown.channels[n]);
            else this.showVisualisation(place, this.shown.channels[n]);
        }

        showExamples(place, channel) {
            const { model, layer } = this.shown;
            place.querySelector(".progress")?.remove();
            const address = `/neurons/examples/${encodeURIComponent(model)}/${encodeURIComponent(layer)}/${channel}.png`;
            window.perturber.showImage(place, address, `Top 9 patches of channel ${channel}`, async () => {
                const title = await window.perturber.sentence(await window.perturber.get(address));
                if (place.dataset.wanted === address)
                    place.replaceChildren(make("span", { className: "nothing", textContent: "no examples", title }));
            });
        }

        showVisualisation(place, channel) {
            const { model, layer } = this.shown;
            const state = this.page.visualisations.state(model, layer, channel);
            window.perturber.showVisualisation(place, state, `Feature visualisation of ${layer}:${channel}`);
        }
    }

    // base64 of float32 → one array for each row
    function rows({ data, rows: count }) {
        return split(new Float32Array(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer), count);
    }

    // Plotly's own way to write numbers in JSON
    function rowsOf(z) {
        const [count] = String(z.shape).split(",").map(Number);
        const Kind = z.dtype === "f8" ? Float64Array : Float32Array;
        return split(new Kind(Uint8Array.from(atob(z.bdata), (c) => c.charCodeAt(0)).buffer), count);
    }

    function split(values, count) {
        const width = values.length / count;
        return Array.from({ length: count }, (_, row) => values.subarray(row * width, (row + 1) * width));
    }

    // A picture in a card; what it showed before stays until the new one is there.
    window.perturber.showImage = function (place, address, title, failed = () => {}) {
        if (place.dataset.wanted === address) return; // it is there, on its way, or there is none
        place.dataset.wanted = address;
        const wanted = () => place.dataset.wanted === address;
        const image = make("img", { alt: title, title });
        image.onerror = () => wanted() && failed();
        image.onload = () => wanted() && place.replaceChildren(image, ...place.querySelectorAll(".progress"));
        image.src = address;
    };

    // A feature visualisation: placeholder, then what there is of it, then the final picture.
    window.perturber.showVisualisation = function (place, state, title) {
        const note = (textContent, hint) => {
            place.dataset.wanted = "";
            place.replaceChildren(make("span", { className: "nothing", textContent, title: hint || title }));
        };
        if (!state) return note("…", "Asking for the feature visualisation");
        const share = state.steps ? state.done / state.steps : 0;
        if (state.state === "failed") note("failed", state.error);
        else if (state.state === "cancelled") note("cancelled", "Choose “make” to go on");
        else if (state.state === "waiting" || (state.state === "running" && !state.done)) note("waits", title);
        else {
            const version = state.state === "done" ? "done" : state.done;
            const problem = state.error ? ` (${state.error})` : "";
            window.perturber.showImage(place, `/neurons/visualisation/${state.key}.png?v=${version}`, title + problem);
            let bar = place.querySelector(".progress");
            if (state.state === "done") {
                if (bar) bar.remove();
            } else {
                if (!bar) place.append((bar = make("div", { className: "progress" })));
                bar.style.width = `${share * 100}%`;
            }
        }
    };

    // A picture that is pointed at is shown larger beside the pointer.
    const zoom = make("div", { className: "zoom" });
    zoom.append(make("img"), make("p"));
    document.addEventListener("mouseover", (event) => {
        const image = event.target.closest && event.target.closest(".picture")?.querySelector("img");
        if (!image) return zoom.remove();
        const [large, words] = zoom.children;
        large.src = image.src;
        words.textContent = image.alt;
        document.body.append(zoom);
        const box = image.getBoundingClientRect();
        zoom.style.left = `${Math.max(4, box.left > 340 ? box.left - 324 : box.right + 8)}px`;
        zoom.style.top = `${Math.max(4, Math.min(box.top, window.innerHeight - zoom.offsetHeight - 8))}px`;
    });

    window.perturber.Cards = Cards;
})();
