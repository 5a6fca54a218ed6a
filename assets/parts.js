// What maps and bars share: pictures, and how a click is reported.
(function () {
    const { createElement: h, useEffect, useLayoutEffect, useRef, useState } = window.React;

    // What was shown stays until the new picture has loaded; `note` stands in where there is none.
    window.perturber.Picture = function ({ src = null, title, note, progress = null }) {
        const [shown, setShown] = useState(null);
        const [failed, setFailed] = useState(null);
        const wanted = src !== null && src !== failed ? { src, title } : null;
        useEffect(() => void (wanted || setShown(null)), [!wanted]);
        const images = wanted && shown && shown.src !== src ? [shown, wanted] : [wanted];
        const image = (one) => {
            const heard = { onLoad: () => setShown(one), onError: () => setFailed(one.src) };
            const larger = { role: "button", tabIndex: 0, hidden: shown?.src !== one.src }; // see page.js
            // By its key, the element that has loaded is the one that is shown.
            return h("img", { key: one.src, src: one.src, alt: one.title, title: one.title, ...larger, ...heard });
        };
        const bar = { className: "progress", style: { width: `${progress * 100}%` } };
        const content = wanted ? images.map(image) : h("span", { className: "nothing", title }, note);
        return h("div", { className: "picture" }, content, progress !== null && h("div", bar));
    };

    // Properties as Dash has them, beneath those that the page tells a component past it (see page.js).
    window.perturber.useTold = function (given) {
        const [told, tell] = useState({});
        return [{ ...given, ...told }, (element) => element && Object.assign(element, { tell })];
    };

    // An input that the user moves and the properties follow; `show(element)` writes a value that comes from elsewhere.
    // It is not one of React's controlled inputs: those jump back where the echo of an event comes later.
    window.perturber.useShown = function (value, show) {
        const place = useRef(null);
        useLayoutEffect(() => void show(place.current), [value]);
        return place;
    };

    window.perturber.showNumber = (value) => (slider) => {
        if (typeof value === "number" && Number(slider.value) !== value) slider.value = value;
    };

    // What was done becomes a property of this name; the count tells a second time from the first.
    window.perturber.report = function (props, name, what) {
        const before = props[name];
        props.setProps({ [name]: { ...what, count: ((before && before.count) || 0) + 1 } });
    };
})();
