// What all pages share: the line that says what went wrong, and the link to the page that is open.
window.dash_clientside = window.dash_clientside || {};
window.perturber = window.perturber || {};

(function () {
    "use strict";

    // Where every page says what went wrong.
    window.perturber.notice = function (text) {
        const element = document.getElementById("notice");
        if (element && element.textContent !== text) element.textContent = text;
    };

    // Dash keeps a failed callback to itself; every page shows the server's sentence instead.
    const plainFetch = window.fetch;
    window.fetch = async function (resource) {
        const response = await plainFetch.apply(this, arguments);
        const url = String((resource && resource.url) || resource);
        if (url.includes("_dash-update-component") && response.status >= 400)
            window.perturber.notice(await window.perturber.sentence(response.clone()));
        return response;
    };

    // The sentence in an answer that is an error.
    window.perturber.sentence = async function (response) {
        const body = await response.json().catch(() => ({}));
        return body.error || `The server answered with status ${response.status}.`;
    };

    // Ask the server; the answer may be an error, and has the status 503 where there is none.
    const silence = () => Response.json({ error: "The server does not answer; try again." }, { status: 503 });
    window.perturber.get = (address) => fetch(address).catch(silence);
    window.perturber.post = (address, body) =>
        fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(silence);

    // A small dialog with one field; done() is called when the user agrees.
    window.perturber.ask = function (question, field, done) {
        const dialog = document.createElement("dialog");
        dialog.className = "upload question";
        const form = Object.assign(document.createElement("form"), { method: "dialog" });
        const title = Object.assign(document.createElement("h2"), { textContent: question });
        const cancel = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "Cancel" });
        const keep = Object.assign(document.createElement("button"), { className: "use", textContent: "Keep" });
        const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
        buttons.append(cancel, keep);
        form.append(title, field, buttons);
        dialog.append(form);
        document.body.append(dialog);
        cancel.addEventListener("click", () => dialog.close());
        form.addEventListener("submit", () => field.value.trim() && done());
        dialog.addEventListener("close", () => dialog.remove());
        dialog.showModal();
    };

    window.dash_clientside.frame = {
        active(pathname, ...links) {
            return links.map((href) => href.split("?")[0] === pathname);
        },
    };
})();
