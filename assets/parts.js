// What maps and bars share: pictures, the buttons that save, and how a click is reported.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const { createElement: h, useEffect, useState } = window.React;

    // What was shown stays until the new picture has loaded; `note` stands in where there is none.
    window.perturber.Picture = function ({ src = null, title, note, progress = null }) {
        const [shown, setShown] = useState(null);
        const [failed, setFailed] = useState(null);
        const wanted = src !== null && src !== failed ? { src, title } : null;
        useEffect(() => {
            if (!wanted) setShown(null);
        }, [!wanted]);
        const images = wanted && shown && shown.src !== src ? [shown, wanted] : [wanted];
        const image = (one) =>
            h("img", {
                key: one.src, // the element that has loaded is the one that is shown
                src: one.src,
                alt: one.title,
                title: one.title,
                hidden: !shown || shown.src !== one.src,
                onLoad: () => setShown(one),
                onError: () => setFailed(one.src),
            });
        return h(
            "div",
            { className: "picture" },
            wanted ? images.map(image) : h("span", { className: "nothing", title }, note),
            progress !== null && h("div", { className: "progress", style: { width: `${progress * 100}%` } }),
        );
    };

    // Properties as Dash has them, beneath those that the page tells a component past it (see page.js).
    window.perturber.useTold = function (given) {
        const [told, tell] = useState({});
        return [{ ...given, ...told }, (element) => element && Object.assign(element, { tell })];
    };

    // What was done becomes a property of this name; the count tells a second time from the first.
    window.perturber.report = function (props, name, what) {
        const before = props[name];
        props.setProps({ [name]: { ...what, count: ((before && before.count) || 0) + 1 } });
    };

    window.perturber.SaveButtons = function ({ save }) {
        const button = (format) => {
            const name = format.toUpperCase();
            const title = `Save this figure as ${name}`;
            return h("button", { key: format, className: "quiet", title, onClick: () => save({ format }) }, name);
        };
        return h("span", { className: "save" }, ["svg", "png"].map(button));
    };
})();
