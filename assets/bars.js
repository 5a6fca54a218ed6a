// A model's scores, and pictures of classes and of what speaks for them. See perturber/ui/components/bars.py.
(function () {
    const { createElement: h } = window.React;

    const row = (className) => ({ index, name, share, number, length, title }, key) => {
        const parts = Object.entries({ name, share, ...(className === "row" && { length: number }) });
        const spans = parts.map(([part, words]) => h("span", { key: part, className: part }, words));
        const style = { "--share": `${length * 100}%` };
        return h("button", { key, className, "data-index": index, title, style }, spans);
    };

    const evidence = ({ kind, caption, ...picture }) => {
        const words = h("figcaption", { title: picture.title }, caption);
        return h("figure", { key: kind, className: kind }, h(window.perturber.Picture, picture), words);
    };

    function listeners(props) {
        const indexAt = ({ target }) => JSON.parse(target.closest("[data-index]")?.dataset.index ?? null);
        const hover = (index) => index !== (props.hovered ?? null) && props.setProps({ hovered: index });
        return {
            onMouseOver: (event) => hover(indexAt(event)),
            onFocus: (event) => hover(indexAt(event)),
            onMouseLeave: () => hover(null), // also where the row itself is gone
            onClick: (event) => indexAt(event) !== null && props.report("clicked", { index: indexAt(event) }),
        };
    }

    window.perturber_components.Bars = function (given) {
        const [props, ref] = window.perturber.useTold(given);
        const { id, className = "", rows = [], pinned = [], empty, compact, examples = {}, hovered } = props;
        const shown = (props.evidence || []).map((one) => (one.kind === "example" && examples[hovered]) || one);
        const explained = shown.some(({ kind }) => kind !== "example") ? "explained" : "";
        const bars = h("div", { className: "bars" }, rows.map(row(compact ? "top" : "row")));
        const report = (name, what) => window.perturber.report(props, name, what);
        const classes = `scores ${compact ? "tops" : "full"} ${className}`;
        const figure = h("div", { className: "figure" }, empty ? h("p", { className: "empty" }, empty) : bars);
        const pins = pinned.length > 0 && h("div", { className: "pins" }, pinned.map(row("row")));
        const below = shown.length > 0 && h("div", { className: `evidence ${explained}` }, shown.map(evidence));
        return h("div", { id, ref, className: classes, ...listeners({ ...props, report }) }, figure, pins, below);
    };
})();
