// Activations as colours on a canvas.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const STEPS = 256;

    // The figures' colour scale, [[place from 0 to 1, "#rrggbb"], …], as STEPS colours one after the other.
    window.perturber.colourTable = function (stops) {
        const parsed = stops.map(([place, colour]) => [place, [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))]);
        const table = new Uint8ClampedArray(3 * STEPS);
        for (let step = 0; step < STEPS; step++) {
            const at = step / (STEPS - 1);
            const next = Math.max(1, parsed.findIndex(([place]) => place >= at));
            const [[low, from], [high, to]] = [parsed[next - 1], parsed[next]];
            const share = (at - low) / (high - low);
            table.set(from.map((c, i) => c + (to[i] - c) * share), 3 * step);
        }
        return table;
    };

    // Paint rows of values, one pixel each: colours end at ±scale; NaN stays clear.
    // opacity: of |value| / scale, from 0 to 1
    window.perturber.paint = function (canvas, values, scale, table, opacity = () => 1) {
        const [height, width] = [values.length, values[0].length];
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        const image = context.createImageData(width, height);
        const { data } = image;
        for (let y = 0, at = 0; y < height; y++)
            for (let x = 0; x < width; x++, at += 4) {
                const value = values[y][x];
                if (value !== value) continue;
                const share = Math.max(-1, Math.min(1, value / scale));
                const colour = 3 * Math.round(((share + 1) / 2) * (STEPS - 1));
                data[at] = table[colour];
                data[at + 1] = table[colour + 1];
                data[at + 2] = table[colour + 2];
                data[at + 3] = 255 * opacity(Math.abs(share));
            }
        context.putImageData(image, 0, 0);
    };
})();
