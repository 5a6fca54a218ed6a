// What Dash's components keep from those who cannot see them or use no pointer: names (see `named` in
// perturber/ui/components/controls.py), roles, keys, and news. Of all scripts it is the first that is loaded.
Object.assign(window, { perturber: {}, perturber_components: {} });

(function () {
    const [SOON_MS, SAY_MS] = [50, 4000];
    const name = (element, words) => words && element.setAttribute("aria-label", words);

    // What its label says, or the name that a component was given.
    function nameOf({ id, labels }) {
        if (!id || labels?.length) return labels?.[0].textContent;
        return window.perturber.layoutOf(id.startsWith("{") ? JSON.parse(id) : id)?.props["aria-label"];
    }

    // Dash throws where there is no such component.
    window.perturber.layoutOf = function (id) {
        try {
            return window.dash_component_api.getLayout(id);
        } catch {
            return null;
        }
    };

    // Each element once, as it comes to be.
    const MEND = {
        ".dash-dropdown"(menu) {
            Object.assign(menu, { tabIndex: 0, ariaHasPopup: "dialog" });
            name(menu, nameOf(menu));
            menu.setAttribute("aria-labelledby", `${menu.id} ${menu.getAttribute("aria-labelledby")}`);
        },
        ".dash-dropdown-content": (box) => name(box, document.querySelector(`[aria-controls="${box.id}"]`)?.ariaLabel),
        ".dash-options-list"(list) {
            list.role = list.querySelector("[type=radio]") ? "radiogroup" : "group";
            name(list, nameOf(list));
        },
        ".dash-slider-thumb": (thumb) => name(thumb, nameOf(thumb.closest(".dash-slider-container"))),
        ".dash-input-element": (field) => name(field, nameOf(field)),
        ".dash-graph": (graph) => name(Object.assign(graph, { role: "figure" }), nameOf(graph)),
        // Over the scene it takes what is dropped, and nothing else.
        "input[type=file]": (field) => (field.inert = !name(field, field.parentElement.textContent)),
        "label[aria-selected]"(option) {
            ["role", "aria-selected"].forEach((attribute) => option.removeAttribute(attribute));
            mended.delete(option); // it comes back with the next choice
        },
    };

    let [mended, mending] = [new WeakSet(), null];
    function mend() {
        mending = null;
        for (const [selector, how] of Object.entries(MEND))
            for (const one of document.querySelectorAll(selector)) if (!mended.has(one)) how(one, mended.add(one));
    }

    // The newest words only, and not more often than anybody can listen.
    let [saying, saidAt] = [null, -SAY_MS];
    window.perturber.say = (words) => {
        clearTimeout(saying);
        const speak = () => ([document.getElementById("said").textContent, saidAt] = [words, performance.now()]);
        saying = setTimeout(speak, Math.max(SOON_MS, saidAt + SAY_MS - performance.now()));
    };

    new MutationObserver((changes) => {
        mending = mending || setTimeout(mend, SOON_MS);
        const news = changes.map(({ target }) => (target.closest ? target : target.parentElement));
        for (const one of new Set(news.map((place) => place?.closest("[data-live]"))))
            if (one?.textContent) window.perturber.say(one.textContent);
    }).observe(document, { childList: true, characterData: true, attributeFilter: ["aria-selected"], subtree: true });

    // An address with another end would load the page anew.
    document.addEventListener("click", (event) => {
        if (event.target.matches(".skip-link")) event.preventDefault(), document.getElementById("page").focus();
    });

    // What is only called a button is pressed by keys as well; Escape leaves what stands open.
    document.addEventListener("keydown", (event) => {
        const { key, target } = event;
        const open = key === "Escape" && target.closest("details.recipe[open], .tour");
        const press = ["Enter", " "].includes(key) && target.closest("[role=button]");
        const pressed = open ? open.querySelector("summary, .skip") : press;
        if (pressed) event.preventDefault(), pressed.focus(), pressed.click();
    });
})();
