// One slot's heatmaps, each in a card with a picture of its neuron. See perturber/ui/components/maps.py.
(function () {
    const { createElement: h, useEffect, useLayoutEffect, useMemo, useRef, useState } = window.React;
    const [LABEL, GAP, SCALE] = [15, 4, 40]; // pixels: height above a map alone, between cards, width
    const KEYS = "Heatmaps. Arrow keys move a unit over them, Enter marks it.";
    const STILL_MS = 200; // after the last values, before Plotly follows

    // base64 of float32 → of each map its rows
    function mapsOf(values, [height, width]) {
        const text = atob(values);
        const bytes = new Uint8Array(text.length);
        for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // Uint8Array.from takes ten times as long
        const cells = new Float32Array(bytes.buffer);
        const rows = Array.from({ length: cells.length / width }, (_, y) => cells.subarray(y * width, (y + 1) * width));
        return Array.from({ length: rows.length / height }, (_, n) => rows.slice(n * height, (n + 1) * height));
    }

    // ["#rrggbb", …] → pixels as a canvas has them, 0xffbbggrr
    const pixelsOf = (colours) =>
        Uint32Array.from(colours, (c) => Number(`0xff${c.slice(5)}${c.slice(3, 5)}${c.slice(1, 3)}`));

    // Paint rows of values, one pixel each: colours end at ±scale; NaN stays clear.
    function paint(canvas, rows, scale, table) {
        const [height, width] = [rows.length, rows[0].length];
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        const [pixels, half] = [new Uint32Array(width * height), (table.length - 1) / 2];
        for (let y = 0, at = 0; y < height; y++)
            for (let x = 0; x < width; x++, at++) {
                const share = Math.max(-1, Math.min(1, rows[y][x] / scale));
                if (share === share) pixels[at] = table[Math.round((share + 1) * half)];
            }
        const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
        canvas.getContext("2d").putImageData(image, 0, 0);
    }

    // Maps are square and as large as the room allows: in one row or several, each above its picture or beside it.
    function arrange({ width, height }, count, pictures) {
        const ways = Array.from({ length: pictures ? 2 * count : count }, (_, i) => {
            const [columns, beside, head] = [(i % count) + 1, i >= count, pictures ? 0 : LABEL];
            const [rows, across, down] = [Math.ceil(count / columns), beside ? 2 : 1, pictures && !beside ? 2 : 1];
            const widest = ((width - SCALE + GAP) / columns - GAP) / across;
            const side = Math.max(24, Math.floor(Math.min(widest, ((height + GAP) / rows - GAP - head) / down)));
            const [card, tall] = [side * across + GAP, side * down + head + GAP];
            const place = (n) => ({ left: (n % columns) * card, top: Math.floor(n / columns) * tall + head });
            const [kind, total] = [pictures ? ["below", "beside"][Number(beside)] : "alone", columns * card - GAP];
            return { ready: width > 0, columns, side, place, kind, width: total, height: rows * tall - GAP };
        });
        return ways.reduce((best, way) => (way.side > best.side ? way : best));
    }

    // The heatmap of each map, with what a pointer finds there.
    function traces(trace, maps, end, { channels, aspect: [height, width] }, { side, place }) {
        const [dx, dy] = [side / width, side / height];
        return maps.map((z, n) => {
            const { left, top } = place(n);
            const customdata = z.map((row, y) => Array.from(row, (_, x) => [channels[n], y, x]));
            return { ...trace, z, customdata, zmin: -end, zmax: end, x0: left + dx / 2, dx, y0: top + dy / 2, dy };
        });
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

    // The real figure follows when there is time, for what a pointer finds: it takes ten times as long as the canvases.
    function useFigure(plot, props, { maps, end, layout }, clicked) {
        const { figure } = props;
        const has = useRef(null); // the figure that Plotly has
        useEffect(() => {
            if (!maps || !layout.ready) return;
            const follow = () => {
                if (!window.Plotly) return (timer = setTimeout(follow, STILL_MS)); // the page is still fetching it
                const drawn = structuredClone(figure.layout); // Plotly writes into what it draws
                const { width, height } = Object.assign(drawn, { width: layout.width, height: layout.height });
                [drawn.xaxis.range, drawn.yaxis.range] = [[0, width], [height, 0]]; // row 0 is at the top
                const data = traces(figure.data[0], maps, end, props, layout);
                window.Plotly.react(plot.current, data, drawn, { displayModeBar: false });
                if (!has.current) plot.current.on("plotly_click", clicked);
                has.current = figure;
            };
            // A pointer must not find the channels of a figure that is no longer seen: another one comes at once.
            let timer = setTimeout(follow, has.current === figure ? STILL_MS : 0);
            return () => clearTimeout(timer);
        }, [figure, maps, end, layout]);
        useEffect(() => {
            const element = plot.current;
            return () => has.current && window.Plotly.purge(element);
        }, []);
    }

    function useCards({ figure, channels, pictures }) {
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
                    const map = [h("div", { className: "label" }, label), h("div", { className: "map" }, h("canvas"))];
                    const picture = pictures && h(window.perturber.Picture, shown);
                    return h("div", { key: n, className: "card", "data-channel": channel }, ...map, picture);
                }),
            [channels, pictures, flipped],
        );
    }

    // A unit by the keyboard: arrows move it over all maps as if they stood side by side, Enter is a click.
    const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    function useUnit({ channels, aspect: [height, width] }, maps, { side, place }, clicked) {
        const [unit, setUnit] = useState([0, 0]); // row, and column of the maps side by side
        const within = (value, end) => Math.max(0, Math.min(end - 1, value));
        const [row, across] = [within(unit[0], height), within(unit[1], channels.length * width)];
        const [n, column] = [Math.floor(across / width), across % width];
        const onKeyDown = (event) => {
            const step = STEPS[event.key];
            if (event.target !== event.currentTarget || !(step || event.key === "Enter")) return;
            event.preventDefault();
            if (step) setUnit([row + step[0], across + step[1]]);
            else clicked({ channel: channels[n], row, column });
        };
        const [dx, dy, { left, top }] = [side / width, side / height, place(n)];
        const style = { left: left + column * dx, top: top + row * dy, width: dx, height: dy };
        const words = `channel ${channels[n]} · row ${row}, column ${column}: ${maps?.[n]?.[row][column].toFixed(3)}`;
        return [onKeyDown, h("output", { className: "unit-of-keys", style, key: "unit" }, h("span", null, words))];
    }

    function Shown(props) {
        const { values, scale: end, ends, colours, channels, aspect, pictures } = props;
        const [place, cards, plot, newest] = [useRef(), useRef(), useRef(), useRef()];
        newest.current = props;
        const report = (name, what) => window.perturber.report(newest.current, name, what);
        const shown = [useSize(place), channels.length, Boolean(pictures)];
        const layout = useMemo(() => arrange(...shown), shown);
        const { columns, side, kind, width, height } = layout;
        const maps = useMemo(() => values && mapsOf(values, aspect), [values]);
        const table = useMemo(() => pixelsOf(colours), [colours]);
        useLayoutEffect(() => {
            maps?.forEach((rows, n) => paint(cards.current.children[n].querySelector("canvas"), rows, end, table));
        }, [maps, end, table]);
        useFigure(plot, props, { maps, end, layout }, ({ points: [point] }) => {
            const [channel, row, column] = point.customdata;
            report("clicked", { channel, row, column });
        });
        const [onKeyDown, unit] = useUnit(props, maps, layout, (what) => report("clicked", what));
        const keys = { tabIndex: 0, role: "application", "aria-label": KEYS, onKeyDown };
        const [low, high] = ["low", "high"].map((className, i) => h("span", { key: className, className }, ends[i]));
        const bar = { className: "colours", style: { background: `linear-gradient(0deg, ${colours})` } };
        const style = { "--side": `${side}px`, "--columns": columns };
        const drawn = h("div", { className: "maps", style: { width, height } }, h("div", { ref: plot }));
        const all = h("div", { className: `cards ${kind}`, ref: cards }, useCards(props));
        const scale = h("div", { className: "scale", style: { left: width + GAP } }, high, h("span", bar), low);
        return h("div", { className: "place", ref: place, style, ...keys }, unit, drawn, all, scale);
    }

    window.perturber_components.Maps = function ({ id, className = "", ...given }) {
        const [props, ref] = window.perturber.useTold(given);
        const shown = props.empty ? h("p", { className: "empty" }, props.empty) : props.figure && h(Shown, props);
        return h("div", { id, ref, className: `figure heatmaps ${className}` }, shown);
    };
})();
