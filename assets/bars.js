// A model's scores: bars, pinned classes, and pictures that say what a class looks like and what speaks for it.
// See perturber/ui/components/bars.py.
window.perturber_components = window.perturber_components || {};

(function () {
    "use strict";

    const { createElement: h } = window.React;

    const row = (className) => ({ index, name, share, number, length, title }, place) =>
        h(
            className === "row" ? "div" : "button",
            { key: place, className, "data-index": index, title, style: { "--share": `${length * 100}%` } },
            h("span", { className: "name" }, name),
            h("span", { className: "share" }, share),
            className === "row" && h("span", { className: "length" }, number),
        );

    const evidence = ({ kind, caption, ...picture }) =>
        h(
            "figure",
            { key: kind, className: kind },
            h(window.perturber.Picture, picture),
            h("figcaption", { title: picture.title }, caption),
        );

    function listeners(props) {
        const indexAt = ({ target }) => {
            const found = target.closest("[data-index]");
            return found && Number(found.dataset.index);
        };
        const hover = (index) => index !== (props.hovered ?? null) && props.setProps({ hovered: index });
        return {
            onMouseOver: (event) => hover(indexAt(event)),
            onMouseLeave: () => hover(null), // also where the row itself is gone
            onClick: (event) => {
                const index = indexAt(event);
                if (index !== null) window.perturber.report(props, "clicked", { index });
            },
        };
    }

    window.perturber_components.Bars = function (given) {
        const [props, ref] = window.perturber.useTold(given);
        const { id, className = "", rows = [], pinned = [], empty, compact, saves, examples = {}, hovered } = props;
        const shown = (props.evidence || []).map((one) => (one.kind === "example" && examples[hovered]) || one);
        const explained = shown.some(({ kind }) => kind !== "example") ? "explained" : "";
        const bars = rows.map(row(compact ? "top" : "row"));
        return h(
            "div",
            { id, ref, className: `scores ${compact ? "tops" : "full"} ${className}`, ...listeners(props) },
            h(
                "div",
                { className: "figure" },
                empty ? h("p", { className: "empty" }, empty) : h("div", { className: "bars" }, bars),
                saves && h(window.perturber.SaveButtons, { save: (it) => window.perturber.report(props, "save", it) }),
            ),
            pinned.length > 0 && h("div", { className: "pins" }, pinned.map(row("row"))),
            shown.length > 0 && h("div", { className: `evidence ${explained}` }, shown.map(evidence)),
        );
    };
})();
