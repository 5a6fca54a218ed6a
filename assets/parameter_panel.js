// A control for each parameter, and a field that finds them. See perturber/ui/components/parameter_panel.py.
(function () {
    const { createElement: h, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } = window.React;

    const [TYPING_MS, PAUSE_MS] = [400, 150];
    const ENDS = ["Enter", "ArrowUp", "ArrowDown"]; // keys that end typing in a field of one line

    // A number, or the text as it is: the server knows what is wrong with it.
    const read = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
    const defaults = (rows) => Object.fromEntries(rows.map((row) => [row.key, row.default]));

    // A field for text: what is being typed stays until it is sent, by Enter, a pause (many lines), or leaving it.
    function Field({ lines = 1, value, read, send, ...attributes }) {
        const typing = useRef({ now: false, timer: null }).current;
        const place = window.perturber.useShown(value, (field) => {
            if (!typing.now && (field.value === "" || read(field.value) !== value)) field.value = value;
        });
        const take = () => {
            clearTimeout(typing.timer);
            if (typing.now) send(read(place.current.value));
            typing.now = false;
        };
        useEffect(() => () => clearTimeout(typing.timer), []);
        const onInput = () => {
            typing.now = true;
            clearTimeout(typing.timer);
            if (lines > 1) typing.timer = setTimeout(take, TYPING_MS);
        };
        const onKeyDown = ({ key }) => lines === 1 && ENDS.includes(key) && take();
        const plain = { ref: place, autoComplete: "off", spellCheck: false, onInput, onKeyDown, onBlur: take };
        return h(lines > 1 ? "textarea" : "input", { ...plain, ...attributes, ...(lines > 1 && { rows: lines }) });
    }

    function NumberControl({ row, id, value, wrong, slopes = [], send }) {
        const { label, min, max, step, whole, unit } = row;
        const slider = window.perturber.useShown(value, window.perturber.showNumber(value));
        const slide = () => send(Number(slider.current.value));
        const press = ({ key, target }) => {
            const move = { ArrowUp: "stepUp", ArrowDown: "stepDown" }[key];
            if (!move || target === slider.current || typeof read(target.value) !== "number") return;
            slider.current.value = target.value;
            slider.current[move]();
            slide();
        };
        const range = { ref: slider, type: "range", id, min, max, step, "aria-label": label, onInput: slide };
        const field = { inputMode: whole ? "numeric" : "decimal", "aria-label": `${label}, value`, className: wrong };
        const inputs = [h("input", { key: 1, ...range }), h(Field, { key: 2, ...field, value, read, send })];
        const seen = slopes.map((own, key) => h("span", { key, role: "img", ...own })); // bars, and marks on the track
        const words = h("span", { className: "unit" }, unit);
        return h("div", { className: "number", onKeyDown: press }, inputs, words, seen);
    }

    function SwitchControl({ id, value, send }) {
        const box = { type: "checkbox", id, checked: value === true, onChange: ({ target }) => send(target.checked) };
        return h("div", { className: "on-off" }, h("input", box));
    }

    function TextControl({ row, id, value, wrong, send }) {
        const field = { id, className: wrong, "aria-label": row.label, lines: row.lines, value, read: String, send };
        return h("div", { className: "text" }, h(Field, field));
    }

    function ChoiceControl({ row, id, value, options, send, add }) {
        const setProps = (changed) => "value" in changed && send(changed.value);
        const menu = { id, options: options || row.options, value, clearable: false, searchable: false, setProps };
        const button = { className: "quiet", title: `Add your own ${row.adds}`, onClick: () => add(row.adds) };
        const { Dropdown } = window.dash_core_components;
        return h("div", { className: "choice" }, h(Dropdown, menu), h("button", button, "Add …"));
    }

    const CONTROLS = { number: NumberControl, switch: SwitchControl, text: TextControl, choice: ChoiceControl };

    // Drawn anew only where its own value or problem is another: a drag of the camera sends sixty a second.
    const Row = memo(function ({ row, id, value, problem = "", hidden, change, ...more }) {
        const { key, kind, label, lines = 1 } = row;
        const send = (next) => change({ [key]: next });
        const names = ["control", lines > 1 && "tall", value !== row.default && "changed"].filter(Boolean);
        const [title, onClick] = [`Reset ${label}`, () => change({ [key]: row.default })];
        const reset = { key: "reset", className: "reset", title, "aria-label": title, "data-reset": key, onClick };
        const control = { key: "control", row, id, value, wrong: problem && "wrong", send, ...more };
        const named = h("label", { key: "label", htmlFor: id }, label);
        const parts = [named, h(CONTROLS[kind], control), h("button", reset, "↺")];
        const message = problem && h("div", { className: "message", role: "alert" }, problem);
        return h("div", { className: names.join(" "), title: row.help, hidden, "data-key": key }, parts, message);
    });

    // While something is looked for every group is unfolded; after that each is again as it was.
    function Group({ group, title, changed, fits, looked, reset, children }) {
        const place = useRef(null);
        const [open, setOpen] = useState(group.unfolded);
        useLayoutEffect(() => void (place.current.open = looked !== "" || open), [looked]);
        const onToggle = ({ currentTarget }) => looked || setOpen(currentTarget.open);
        const [className, hidden] = [changed ? "changed" : "", !group.rows.some(fits)];
        const details = { ref: place, className, hidden, "data-group": group.name, onToggle };
        const back = (event) => (event.preventDefault(), reset(group.rows)); // a click in a heading folds
        const button = { className: "quiet", onClick: back, "data-reset-group": group.name };
        const name = h("span", { className: "name" }, title + (changed ? ` · ${changed} changed` : ""));
        const all = h("button", { ...button, title: `All parameters of ${group.name} back` }, "Reset group");
        return h("details", details, h("summary", { title: group.help }, name, all), children);
    }

    // The scene as it is moved: the page hears of each step at once ("scene"), Dash after a pause, since its way
    // through all components of a page takes longer than drawing them. The page moves the camera ("moved"), the server
    // the rest. What rows may do is the same function all the time, so that rows that stay as they are stay drawn.
    function useScene(props, place) {
        const [scene, setScene] = useState(props.value);
        const now = useRef({ scene, told: scene }).current;
        now.props = props;
        const actions = useMemo(() => {
            const take = (value, silent) => {
                setScene((now.scene = value));
                if (!silent) place.current.dispatchEvent(new CustomEvent("scene", { bubbles: true, detail: value }));
                clearTimeout(now.timer);
                now.timer = setTimeout(() => now.props.setProps({ value: (now.told = value) }), PAUSE_MS);
            };
            const change = (changes) => take({ ...now.scene, ...changes }); // two in one go both count
            const add = (kind) => window.perturber.report(now.props, "add", { kind });
            return { take, change, add, reset: (rows) => change(defaults(rows)) };
        }, []);
        useEffect(() => {
            const [given, told] = [JSON.stringify(props.value), JSON.stringify(now.told)];
            if (given !== told && given !== JSON.stringify(now.scene)) actions.take((now.told = props.value));
        }, [props.value]);
        useEffect(() => {
            place.current.addEventListener("moved", ({ detail }) => actions.take(detail, true));
            return () => clearTimeout(now.timer);
        }, []);
        return [scene, actions];
    }

    function Top({ looked, find, reset }) {
        const onChange = ({ target }) => find(target.value);
        const field = { type: "search", placeholder: "Find a parameter", "aria-label": "Find a parameter by name" };
        const button = { className: "quiet", title: "All parameters back", "data-reset": "all", onClick: reset };
        const search = h("div", { className: "search" }, h("input", { ...field, value: looked, onChange }));
        const title = h("h2", null, "Parameters");
        return h("div", { className: "panel-title" }, title, search, h("button", button, "Reset all"));
    }

    function Panel(props) {
        const { id, className = "", groups, problems, headings, options, slopes } = props;
        const [page, place] = [id.replace(/-panel$/, ""), useRef(null)];
        const [value, { change, add, reset }] = useScene(props, place);
        const [text, find] = useState("");
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = (row) => words.every((word) => row.words.includes(word));
        const row = (one) => {
            const { key } = one;
            const own = { value: value[key], problem: problems?.[key], options: options?.[key], slopes: slopes?.[key] };
            return h(Row, { key, row: one, id: `${page}-${key}`, hidden: !fits(one), ...own, change, add });
        };
        const group = (one) => {
            const { name: key, rows } = one;
            const heading = headings?.[key];
            const title = heading?.titles[value[heading.key]] || key;
            const changed = rows.filter((own) => value[own.key] !== own.default).length;
            return h(Group, { key, group: one, title, changed, fits, looked: words.join(" "), reset }, rows.map(row));
        };
        const rows = groups.flatMap((one) => one.rows);
        const nothing = !rows.some(fits) && h("p", { className: "nothing" }, "No parameter has such a name.");
        const top = h(Top, { looked: text, find, reset: () => reset(rows) });
        const all = h("div", { className: "groups" }, groups.map(group), nothing);
        return h("div", { id, ref: place, className: `parameters ${className}` }, top, all);
    }

    // It hands the page its answers: Dash tells a component at once, a clientside callback eight milliseconds later.
    window.perturber_components.ParameterPanel = function (props) {
        const { id, answer, value, problems, headings, options, slopes, add } = props;
        const told = new CustomEvent("answer", { bubbles: true, detail: answer });
        useLayoutEffect(() => void (answer && document.getElementById(id).dispatchEvent(told)), [answer]);
        return useMemo(() => h(Panel, props), [value, problems, headings, options, slopes, add]);
    };
})();
