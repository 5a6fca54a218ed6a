// A dialog that takes the user's own objects and backgrounds: files are chosen or dropped, checked by the server, and
// shown before they are used.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const KINDS = {
        object: {
            url: "/scene/objects",
            title: "Add an object",
            accept: ".obj,.mtl,.glb,.gltf,.bin,.zip,.png,.jpg,.jpeg,.webp",
            what:
                "One OBJ with its MTL and textures (a picture named …alpha… is its opacity), a glTF or GLB, or a ZIP of " +
                "them. Two OBJ of the same topology become a morph pair.",
        },
        background: {
            url: "/scene/backgrounds",
            title: "Add a background",
            accept: ".png,.jpg,.jpeg,.webp",
            what: "One picture: PNG, JPEG or WebP. Its middle square is shown.",
        },
    };

    function element(kind, props, ...children) {
        const made = Object.assign(document.createElement(kind), props);
        made.append(...children);
        return made;
    }

    async function answer(response) {
        if (!response.ok) throw new Error(await window.perturber.sentence(response));
        return response.json();
    }

    class UploadDialog {
        constructor(kind, page, change) {
            Object.assign(this, { kind, page, change, added: null });
            const { title, accept, what } = KINDS[kind];
            this.input = element("input", { type: "file", multiple: kind === "object", accept, id: `upload-${kind}` });
            this.drop = element(
                "label",
                { className: "drop", htmlFor: this.input.id },
                element("strong", { textContent: "Drop files here, or click to choose them" }),
                element("span", { textContent: what }),
                this.input,
            );
            this.label = element("input", { type: "text", maxLength: 60, placeholder: "Name (optional)" });
            this.label.setAttribute("aria-label", "Name");
            this.message = element("p", { className: "message" });
            this.message.setAttribute("role", "alert");
            this.preview = element("img", { width: 224, height: 224, alt: "Preview", hidden: true });
            this.use = element("button", { type: "button", className: "use", textContent: "Use it", disabled: true });
            const close = element("button", { type: "button", className: "quiet", textContent: "Close" });
            this.dialog = element(
                "dialog",
                { className: "upload" },
                element("h2", { textContent: title }),
                this.label,
                this.drop,
                this.message,
                this.preview,
                element("div", { className: "buttons" }, close, this.use),
            );
            this.input.addEventListener("change", () => this.send(this.input.files));
            this.drop.addEventListener("dragover", (event) => {
                event.preventDefault();
                this.drop.classList.add("over");
            });
            this.drop.addEventListener("dragleave", () => this.drop.classList.remove("over"));
            this.drop.addEventListener("drop", (event) => {
                event.preventDefault();
                this.drop.classList.remove("over");
                this.send(event.dataTransfer.files);
            });
            close.addEventListener("click", () => this.dialog.close());
            this.use.addEventListener("click", () => {
                this.change({ [this.kind]: this.added });
                this.dialog.close();
            });
            this.dialog.addEventListener("close", () => this.dialog.remove());
            document.body.append(this.dialog);
            this.dialog.showModal();
        }

        async send(files) {
            if (!files.length) return;
            this.say("Reading …");
            this.use.disabled = true;
            const form = new FormData();
            for (const file of files) form.append("files", file, file.name);
            form.append("label", this.label.value);
            try {
                const headers = { "X-Perturber": "1" };
                const added = await answer(await fetch(KINDS[this.kind].url, { method: "POST", headers, body: form }));
                this.added = added.name;
                Object.assign(this.page.facts.morphs, added.morphs);
                window.dash_clientside.set_props({ type: `${this.page.name}-choice`, key: this.kind }, { options: added.options });
                await this.show();
                this.say("Added to this server. Use it now, or find it in the menu later.");
                this.use.disabled = false;
            } catch (error) {
                this.say(error.message, true);
            }
            this.input.value = "";
        }

        async show() {
            const body = JSON.stringify({ scene: { [this.kind]: this.added }, slots: [] });
            const headers = { "Content-Type": "application/json" };
            const look = await answer(await fetch("/explore/look", { method: "POST", headers, body }));
            this.preview.src = look.input;
            this.preview.hidden = false;
        }

        say(text, wrong = false) {
            this.message.textContent = text;
            this.message.classList.toggle("wrong", wrong);
        }
    }

    // Buttons with data-add open the dialog; files dropped on the scene are an object, or a background if one picture.
    window.perturber.uploads = function (page, change) {
        const root = page.stage.closest(".explore");
        root.addEventListener("click", (event) => {
            const button = event.target.closest("[data-add]");
            if (button) new UploadDialog(button.dataset.add, page, change);
        });
        page.stage.addEventListener("dragover", (event) => event.preventDefault());
        page.stage.addEventListener("drop", (event) => {
            event.preventDefault();
            const files = [...event.dataTransfer.files];
            if (!files.length) return;
            const picture = files.length === 1 && files[0].type.startsWith("image/");
            new UploadDialog(picture ? "background" : "object", page, change).send(files);
        });
    };
})();
