// One slot's heatmaps in a row, each in a card with a picture of its neuron. See perturber/ui/components/maps.py.
window.perturber_components = window.perturber_components || {};

(function () {
    "use strict";

    const { createElement: h, useEffect, useLayoutEffect, useMemo, useRef, useState } = window.React;
    const [LABEL, PAD, SCALE] = [15, 4, 46]; // pixels: height, around, width
    const STILL_MS = 200; // after the last values, before Plotly follows

    // {data: base64 of float32, rows: how many} → one array for each row
    function rowsOf({ data, rows: count }) {
        const text = atob(data);
        const bytes = new Uint8Array(text.length);
        for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // Uint8Array.from takes ten times as long
        const values = new Float32Array(bytes.buffer);
        const width = values.length / count;
        return Array.from({ length: count }, (_, row) => values.subarray(row * width, (row + 1) * width));
    }

    // ["#rrggbb", …] → their channels one after the other
    const tableOf = (colours) =>
        Uint8ClampedArray.from(colours.flatMap((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))));

    // Paint rows of values, one pixel each: colours end at ±scale; NaN stays clear.
    function paint(canvas, rows, scale, table) {
        const [height, width] = [rows.length, rows[0].length];
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        const image = context.createImageData(width, height);
        const { data } = image;
        const half = (table.length / 3 - 1) / 2;
        for (let y = 0, at = 0; y < height; y++)
            for (let x = 0; x < width; x++, at += 4) {
                const value = rows[y][x];
                if (value !== value) continue;
                const colour = 3 * Math.round((Math.max(-1, Math.min(1, value / scale)) + 1) * half);
                for (let i = 0; i < 3; i++) data[at + i] = table[colour + i];
                data[at + 3] = 255;
            }
        context.putImageData(image, 0, 0);
    }

    // Maps are square, as large as the room allows; the heatmap's gaps are shares of a map's width.
    function arrange({ width, height }, { channels, aspect, gap, pictures }) {
        const share = Math.ceil(gap * aspect[1]) / aspect[1];
        const across = channels.length + (channels.length - 1) * share;
        const free = height - LABEL - 3 * PAD - (pictures ? PAD : 0);
        const widest = (width - 2 * PAD - SCALE) / across;
        const side = Math.max(24, Math.floor(Math.min(widest, pictures ? free / 2 : free)));
        const frame = Math.min(PAD, (side * share) / 2 - 1);
        const tall = LABEL + PAD + side + (pictures ? side + PAD : 0) + PAD;
        const card = (n) => ({
            left: `${PAD + n * side * (1 + share) - frame}px`,
            width: `${side + 2 * frame}px`,
            height: `${tall}px`,
            padding: `0 ${frame - 1}px`,
            "--side": `${side}px`,
        });
        return { side, strip: side * across, card };
    }

    function useSize(place) {
        const [size, setSize] = useState({ width: 0, height: 0 });
        useLayoutEffect(() => {
            const observer = new ResizeObserver(([{ contentRect }]) => setSize(contentRect));
            observer.observe(place.current);
            return () => observer.disconnect();
        }, []);
        return size;
    }

    // The real figure follows when there is time, for what a pointer finds: it takes ten times as long as the canvas.
    function useFigure(plot, { figure, values, end, strip, side }, clicked) {
        const drawn = useMemo(() => structuredClone(figure), [figure]); // Plotly writes into what it draws
        const has = useRef(null); // the figure that Plotly has
        useEffect(() => {
            if (!values || !strip) return;
            const follow = () => {
                if (!window.Plotly) return (timer = setTimeout(follow, STILL_MS)); // the page is still fetching it
                Object.assign(drawn.data[0], { z: values, zmin: -end, zmax: end });
                Object.assign(drawn.layout, { width: strip, height: side });
                window.Plotly.react(plot.current, drawn.data, drawn.layout, { displayModeBar: false });
                if (!has.current) plot.current.on("plotly_click", clicked);
                has.current = drawn;
            };
            // A pointer must not find the channels of a figure that is no longer seen: another one comes at once.
            let timer = setTimeout(follow, has.current === drawn ? STILL_MS : 0);
            return () => clearTimeout(timer);
        }, [drawn, values, end, strip, side]);
        useEffect(() => {
            const element = plot.current;
            return () => has.current && window.Plotly.purge(element);
        }, []);
    }

    function useCards({ figure, channels, pictures }, layout) {
        const [flipped, setFlipped] = useState([]);
        useEffect(() => setFlipped([]), [figure]);
        return useMemo(
            () =>
                channels.map((channel, n) => {
                    const { front = {}, back = {} } = (pictures && pictures[n]) || {};
                    const turned = flipped.includes(n);
                    const flip = () => setFlipped(turned ? flipped.filter((other) => other !== n) : [...flipped, n]);
                    const [shown, other] = turned ? [back, front] : [front, back];
                    const button = { key: 1, className: "flip", title: other.title, onClick: flip };
                    const label = [h("span", { key: 0 }, channel), pictures && h("button", button, "⇄")];
                    return h(
                        "div",
                        { key: n, className: "card", "data-channel": channel, style: layout.card(n) },
                        h("div", { className: "label" }, label),
                        h("div", { className: "map" }),
                        pictures && h(window.perturber.Picture, shown),
                    );
                }),
            [channels, pictures, flipped, layout],
        );
    }

    function Shown(props) {
        const { figure, values, scale, ends, colours, channels, aspect, gap, pictures } = props;
        const [place, canvas, plot, newest] = [useRef(), useRef(), useRef(), useRef()];
        newest.current = props;
        const report = (name, what) => window.perturber.report(newest.current, name, what);
        const size = useSize(place);
        const layout = useMemo(() => arrange(size, props), [size, channels, aspect, gap, !pictures]);
        const { side, strip } = layout;
        const end = scale || 1;
        const rows = useMemo(() => values && rowsOf(values), [values]);
        const table = useMemo(() => tableOf(colours), [colours]);
        useLayoutEffect(() => {
            if (rows) paint(canvas.current, rows, end, table);
        }, [rows, end, table]);
        useFigure(plot, { figure, values: rows, end, strip: size.width && strip, side }, ({ points: [point] }) => {
            const [channel, row, column] = point.customdata;
            report("clicked", { channel, row, column });
        });
        const [top, left] = [LABEL + PAD, PAD];
        const ramp = `linear-gradient(0deg, ${colours})`;
        return h(
            "div",
            { className: "place", ref: place },
            h("div", { className: "cards" }, useCards(props, layout)),
            h(
                "div",
                { className: "maps", style: { left, top, width: strip, height: side } },
                h("div", { ref: plot }),
                h("canvas", { ref: canvas }),
            ),
            h(
                "div",
                { className: "scale", style: { left: left + strip + 2 * PAD, top, height: side } },
                h("span", { className: "high" }, ends[1]),
                h("span", { className: "colours", style: { background: ramp } }),
                h("span", { className: "low" }, ends[0]),
            ),
            h(window.perturber.SaveButtons, { save: (what) => report("save", what) }),
        );
    }

    window.perturber_components.Maps = function ({ id, className = "", ...given }) {
        const [props, ref] = window.perturber.useTold(given);
        const shown = props.empty ? h("p", { className: "empty" }, props.empty) : props.figure && h(Shown, props);
        return h("div", { id, ref, className: `figure heatmaps ${className}` }, shown);
    };
})();
