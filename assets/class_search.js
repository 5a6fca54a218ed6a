// Classes that are followed: found by name, pinned and let go.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const make = (kind, props = {}) => Object.assign(document.createElement(kind), props);

    // The number of the class that is meant, or undefined. Names are written “tabby (281)”; several lists may be known.
    window.perturber.findClass = function (lists, written) {
        const wanted = written.trim().toLowerCase();
        const names = lists.flatMap((list) => list.map((name, index) => [`${name} (${index})`.toLowerCase(), index]));
        const given = names.find(([name]) => name === wanted) || names.find(([name]) => name.startsWith(`${wanted} (`));
        return (given || names.find(([name]) => wanted && name.includes(wanted)) || [])[1];
    };

    // A field that finds classes by name; the browser's own list completes what is typed. pin(index): one was chosen
    window.perturber.classSearch = function (page, lists, pin) {
        const list = make("datalist", { id: `${page}-class-names` });
        const names = [...new Set(lists.flatMap((classes) => classes.map((name, index) => `${name} (${index})`)))];
        list.append(...names.map((value) => make("option", { value })));
        const known = new Set(names);
        const field = make("input", { type: "search", placeholder: "Pin a class …", id: `${page}-pin` });
        field.setAttribute("list", list.id);
        field.setAttribute("aria-label", "Pin a class by name");
        const choose = () => {
            const index = window.perturber.findClass(lists, field.value);
            if (index === undefined) return window.perturber.notice(`No class is called “${field.value.slice(0, 40)}”.`);
            field.value = "";
            pin(index);
        };
        field.addEventListener("input", () => known.has(field.value) && choose());
        field.addEventListener("keydown", (event) => event.key === "Enter" && field.value.trim() && choose());
        const place = make("span", { className: "pin" });
        place.append(field, list);
        return place;
    };

    // The pinned classes with one more, or without it; null where there are too many.
    window.perturber.togglePinned = function (pinned, index, most) {
        const without = pinned.filter((other) => other !== index);
        if (without.length < pinned.length) return without;
        const full = pinned.length >= most;
        window.perturber.notice(full ? `Up to ${most} classes can be pinned; let one go by a click on it.` : "");
        return full ? null : [...pinned, index];
    };
})();
