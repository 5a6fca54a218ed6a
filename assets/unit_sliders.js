// The parts of a network, each with its sliders, below those of all. See perturber/ui/components/unit_sliders.py.
(function () {
    const { createElement: h, memo, useCallback, useEffect, useRef } = window.React;
    const ALL = "All parts";
    const round = (value) => Number(value.toFixed(4));
    const same = (values, others) => values.every((value, i) => value === others[i]);

    function Slider({ label, value, slide }) {
        const ref = window.perturber.useShown(value, window.perturber.showNumber(value));
        const range = { type: "range", min: 0, max: 1, step: 0.01, ref, "aria-label": label };
        return h("input", { ...range, onInput: ({ target }) => slide(Number(target.value)) });
    }

    function Unit({ name, unit, values, start, mixed, change }) {
        // The two ends of a range push each other along.
        const slide = (end, value) => {
            const pushed = (other, i) => (i < end ? Math.min(other, value) : Math.max(other, value));
            change(unit, values.map((other, i) => (i === end ? value : pushed(other, i))).map(round));
        };
        const names = values.length === 1 ? [name] : [`${name}, from`, `${name}, to`];
        const slider = (value, i) => h(Slider, { key: i, label: names[i], value, slide: (moved) => slide(i, moved) });
        const classes = ["unit", unit === null && "master", mixed && "mixed", !same(values, start) && "changed"];
        const named = h("label", { title: name }, h("bdi", null, name));
        const sliders = h("span", { className: "sliders" }, values.map(slider));
        const numbers = h("output", null, values.map((value) => value.toFixed(2)).join(" – "));
        return h("div", { className: classes.filter(Boolean).join(" "), "data-unit": unit }, named, sliders, numbers);
    }

    // Values come anew with every answer: a row is drawn only where they differ.
    const shown = ({ name, values, start }) => JSON.stringify([name, values, start]);
    const Row = memo(Unit, (before, now) => shown(before) === shown(now) && before.change === now.change);

    function useMoves(props) {
        const latest = useRef(props);
        latest.current = props;
        const report = useCallback((unit, done, changed) => {
            const { moved, setProps } = latest.current;
            const told = { ...changed, moved: { unit, done, count: ((moved && moved.count) || 0) + 1 } };
            latest.current = { ...latest.current, ...told }; // two in one go both count
            setProps(told);
        }, []);
        const change = useCallback((unit, values) => {
            const names = unit === null ? latest.current.units : [unit];
            const value = { ...latest.current.value, ...Object.fromEntries(names.map((name) => [name, values])) };
            report(unit, false, { value });
        }, []);
        return [change, (unit) => report(unit, true, {})];
    }

    window.perturber_components.UnitSliders = function (props) {
        const { id, className = "", units, value, default: start, explained, empty, disabled } = props;
        const place = useRef(null);
        const [change, end] = useMoves(props);
        // React's onChange is the input event; this is the one that ends a drag.
        useEffect(() => {
            const ended = ({ target }) => end(target.closest(".unit").dataset.unit ?? null);
            place.current.addEventListener("change", ended);
            return () => place.current?.removeEventListener("change", ended);
        }, []);
        const all = units.map((unit) => value[unit]);
        const mixed = all.some((values) => !same(values, all[0]));
        const mean = start.map((_, i) => round(all.reduce((sum, values) => sum + values[i], 0) / all.length));
        const row = (unit) => h(Row, { key: unit, name: unit, unit, values: value[unit], start, change });
        const master = units.length > 0 && h(Unit, { name: ALL, unit: null, values: mean, start, mixed, change });
        const list = h("div", { className: "list" }, units.map(row));
        const words = h("p", { className: empty ? "empty" : "explained" }, empty || explained);
        const attributes = { id, ref: place, className: `units ${start.length > 1 ? "ranges" : ""} ${className}` };
        return h("div", { ...attributes, inert: disabled ? "" : undefined }, words, ...(empty ? [] : [master, list]));
    };
})();
