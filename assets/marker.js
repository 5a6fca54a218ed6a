// One unit that was clicked: what it sees of the model input, and its whole heatmap laid over the input.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const SIDE = 224;

    class Marker {
        constructor(page) {
            this.page = page;
            this.unit = null; // { cards, model, layer, channel, row, column }
            this.box = document.querySelector(".explore .input .field");
            this.canvas = document.querySelector(".explore .input .overlay");
            this.about = document.querySelector(".explore .about-input");
            this.plainText = this.about.textContent;
            this.colours = window.perturber.colourTable(page.facts.diverging);
            this.box.hidden = this.canvas.hidden = true;
        }

        // A second click on the same unit takes the mark away.
        choose(cards, { channel, row, column }) {
            const { model, layer } = cards.shown;
            const unit = { cards, model, layer, channel, row, column };
            const same = this.unit && Object.keys(unit).every((key) => this.unit[key] === unit[key]);
            this.unit = same ? null : unit;
            this.show();
            this.page.overlay();
        }

        // Which part of the input the unit can see at all: the theoretical receptive field.
        show() {
            const { box, about, unit } = this;
            const shown = unit && unit.cards.shown;
            const there = shown && shown.model === unit.model && shown.layer === unit.layer && shown.channels.includes(unit.channel);
            box.hidden = !there;
            about.textContent = this.plainText;
            if (!there) {
                this.unit = null;
                return;
            }
            const { model, layer } = unit;
            const { inputSize, layers } = this.page.facts.models[model];
            const field = layers[layer][3];
            const share = SIDE / inputSize;
            const [rows, columns] = field || [[0, inputSize, 0], [0, inputSize, 0]];
            const clip = ([start, size, stride], place) => {
                const first = start + place * stride;
                return [Math.max(0, first) * share, Math.min(inputSize, first + size) * share];
            };
            const [top, bottom] = clip(rows, unit.row);
            const [left, right] = clip(columns, unit.column);
            Object.assign(box.style, {
                top: `${top}px`,
                left: `${left}px`,
                width: `${right - left}px`,
                height: `${bottom - top}px`,
                borderColor: this.page.facts.slotColours[unit.cards.number],
            });
            const seen = field ? `sees ${rows[1]} × ${columns[1]} px` : "sees the whole picture";
            about.textContent = `${layer}:${unit.channel}, row ${unit.row}, column ${unit.column} ${seen}.`;
        }

        // The marked neuron's heatmap over the input, or that of the first neuron where none is marked.
        draw(cards, end) {
            const { canvas, page } = this;
            const on = page.view.overlay && cards && cards.shown;
            canvas.hidden = !on;
            if (!on) return;
            const { channels, model, layer } = cards.shown;
            const [, , width] = page.facts.models[model].layers[layer];
            const gap = Math.ceil(page.facts.gap * width);
            const place = Math.max(0, this.unit ? channels.indexOf(this.unit.channel) : 0) * (width + gap);
            const values = cards.values.map((row) => row.subarray(place, place + width));
            window.perturber.paint(canvas, values, end || 1, this.colours, (share) => Math.min(0.85, share * 1.5));
        }
    }

    window.perturber.Marker = Marker;
})();
