// Moves the dash-vtk view of the scene in the browser, without waiting for the server.
//
// The camera follows perturber/render/camera.py: it stands at the origin and looks down −z; the object moves:
//     x_camera = Rz(roll) · Rx(−pitch) · Ry(yaw) · x_object + (pan_x, pan_y, −distance)
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const FAR = 60;
    const OBJECT = [
        "yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "morph", "shape_morph", "texture_morph",
        "texture_influence", "lighting_influence", "light_azimuth", "light_elevation", "plane", "plane_neuron",
    ];
    const radians = (degrees) => (degrees * Math.PI) / 180;
    const limit = (value, low, high) => Math.min(high, Math.max(low, value));

    function decode(text, Type) {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        return new Type(bytes.buffer);
    }

    // dash-vtk hands an actor its data first and their arrays one after the other.
    function isWhole(actor) {
        const data = actor.getMapper && actor.getMapper().getInputData();
        return data && data.getPointData().getNormals() && data.getPointData().getScalars();
    }

    // dash-vtk reports no camera back and clips by the bounds of what is visible, so the view's own vtk.js objects
    // are taken from the React component that owns the element.
    function findVtkView(element) {
        const key = element && Object.keys(element).find((k) => k.startsWith("__reactFiber$"));
        let fiber = key && element[key];
        while (fiber && !(fiber.stateNode && fiber.stateNode.renderWindow)) fiber = fiber.return;
        return fiber ? fiber.stateNode : null;
    }

    function matrix(scene) {
        const [y, p, r] = [radians(scene.yaw), radians(-scene.pitch), radians(scene.roll)];
        const [cy, sy, cp, sp, cr, sr] = [y, p, r].flatMap((a) => [Math.cos(a), Math.sin(a)]);
        // Rx(−pitch) · Ry(yaw), row by row
        const m = [
            [cy, 0, sy],
            [sp * sy, cp, -sp * cy],
            [-cp * sy, sp, cp * cy],
        ];
        const rows = [
            m[0].map((v, i) => cr * v - sr * m[1][i]),
            m[0].map((v, i) => sr * v + cr * m[1][i]),
            m[2],
        ];
        const move = [scene.pan_x, scene.pan_y, -scene.distance];
        const columns = [0, 1, 2].flatMap((c) => [rows[0][c], rows[1][c], rows[2][c], 0]);
        return Float64Array.from([...columns, ...move, 1]);
    }

    class SceneView {
        constructor(page, facts) {
            this.page = page;
            this.facts = facts;
            this.meshes = {};
            this.shown = {};
            this.stage = document.getElementById(`${page}-stage`);
            this.backdrop = document.getElementById(`${page}-backdrop`);
            this.frame = null;
            this.connect();
        }

        // Whether the page is still there; React may go on with its elements under other ids.
        get alive() {
            return this.stage.isConnected && this.stage.id === `${this.page}-stage`;
        }

        connect() {
            if (!this.alive) return;
            const vtk = findVtkView(document.getElementById(`${this.page}-vtk`));
            const actors = vtk ? vtk.renderer.getActors().filter((a) => a.getVisibility()) : [];
            const actor = actors.find(isWhole);
            if (!actor) {
                setTimeout(() => this.connect(), 30);
                return;
            }
            this.vtk = vtk;
            this.actor = actor;
            vtk.resetCamera = () => this.placeCamera();
            this.releaseContextWhenLeft();
            this.makeLamps();
            this.placeCamera();
            if (this.scene) this.update(this.scene);
        }

        placeCamera() {
            const camera = this.vtk.renderer.getActiveCamera();
            camera.set({ position: [0, 0, 0], focalPoint: [0, 0, -1], viewUp: [0, 1, 0] });
            camera.setViewAngle(this.facts.fieldOfView);
            camera.setClippingRange(this.facts.near, FAR);
        }

        makeLamps() {
            const renderer = this.vtk.renderer;
            renderer.setAutomaticLightCreation(false);
            renderer.removeAllLights();
            this.lamps = this.facts.lamps.map((lamp) => {
                const light = renderer.makeLight();
                light.setPositional(false);
                light.setFocalPoint(0, 0, 0);
                light.setIntensity(lamp.strength);
                renderer.addLight(light);
                return light;
            });
        }

        // Ry(azimuth) · Rx(−elevation), as in perturber/render/shading.py
        placeLamps(scene) {
            const [a, e] = [radians(scene.light_azimuth), radians(scene.light_elevation)];
            this.facts.lamps.forEach(({ direction: [x, y, z] }, i) => {
                const [up, towards] = [y * Math.cos(e) + z * Math.sin(e), z * Math.cos(e) - y * Math.sin(e)];
                const across = x * Math.cos(a) + towards * Math.sin(a);
                this.lamps[i].setPosition(across, up, towards * Math.cos(a) - x * Math.sin(a));
            });
        }

        // A browser keeps some sixteen WebGL contexts alive; one that is left must be given back. And dash-vtk takes
        // its arrays off one by one, asking those that it has deleted: it finds none.
        releaseContextWhenLeft() {
            const { vtk, actor } = this;
            const unmount = vtk.componentWillUnmount;
            vtk.componentWillUnmount = function () {
                actor.getMapper().getInputData().getPointData().removeAllArrays();
                const canvas = vtk.containerRef.current && vtk.containerRef.current.querySelector("canvas");
                unmount.call(vtk);
                const context = canvas && (canvas.getContext("webgl2") || canvas.getContext("webgl"));
                const extension = context && context.getExtension("WEBGL_lose_context");
                if (extension) extension.loseContext();
            };
        }

        update(scene) {
            this.scene = scene;
            if (this.frame === null) {
                this.frame = requestAnimationFrame(() => {
                    this.frame = null;
                    this.draw(this.scene);
                });
            }
        }

        draw(scene) {
            this.styleBackdrop(scene);
            if (!this.vtk || !this.alive) return;
            const mesh = scene.plane ? this.planeMesh(scene.plane_neuron) : this.load(scene.object);
            const drawn = JSON.stringify(OBJECT.map((key) => scene[key]));
            if (!mesh || !mesh.polys || (this.shown.mesh === mesh && this.shown.drawn === drawn)) return;
            this.shown.drawn = drawn;
            this.placeLamps(scene);
            this.morph(mesh, scene);
            const light = scene.lighting_influence;
            const surface = this.actor.getProperty();
            surface.setAmbient(1 + light * (this.facts.ambient - 1));
            surface.setDiffuse(light);
            surface.setSpecular(0);
            this.actor.setUserMatrix(matrix(scene));
            this.vtk.renderWindow.render();
            this.stage.dataset.drawn = "true";
        }

        styleBackdrop(scene) {
            const scale = this.stage.clientWidth / 224;
            const blur = (2 ** scene.background_blur - 1) * 0.5 * scale;
            this.showBackdrop(scene.background);
            this.backdrop.style.transform = scene.background_rotation ? `rotate(${-scene.background_rotation}deg)` : "";
            const plain = (name, value, neutral) => (value === neutral ? "" : `${name}(${value}) `);
            this.backdrop.style.filter =
                (blur ? `blur(${blur.toFixed(2)}px) ` : "") + plain("saturate", scene.background_saturation, 1);
            this.stage.style.filter =
                (scene.hue ? `hue-rotate(${scene.hue}turn) ` : "") +
                plain("saturate", scene.saturation, 1) +
                plain("contrast", scene.contrast, 1) +
                plain("brightness", scene.alpha, 1);
        }

        // The picture among its mirror images, so that no corner is empty when it is turned.
        showBackdrop(name) {
            if (this.shown.picture === name) return;
            this.shown.picture = name;
            const picture = new Image();
            picture.onload = () => {
                const [w, h] = [picture.width, picture.height];
                const tile = Object.assign(document.createElement("canvas"), { width: 2 * w, height: 2 * h });
                const context = tile.getContext("2d");
                for (const [x, y] of [[1, 1], [-1, 1], [1, -1], [-1, -1]]) {
                    context.setTransform(x, 0, 0, y, x < 0 ? 2 * w : 0, y < 0 ? 2 * h : 0);
                    context.drawImage(picture, 0, 0);
                }
                tile.toBlob((blob) => {
                    if (this.shown.picture !== name || !blob) return;
                    const url = URL.createObjectURL(blob);
                    const decoded = new Image(); // the old picture stays until the new one can be drawn
                    decoded.onload = () => {
                        this.backdrop.style.backgroundImage = `url("${url}")`;
                        if (this.shown.url) URL.revokeObjectURL(this.shown.url);
                        this.shown.url = url;
                    };
                    decoded.src = url;
                }, "image/webp", 0.9);
            };
            picture.onerror = () => window.perturber.notice("The background could not be loaded into the view.");
            picture.src = `/scene/background/${encodeURIComponent(name)}`;
        }

        load(name) {
            if (!this.meshes[name]) {
                this.meshes[name] = {};
                this.fetch(`/scene/object/${encodeURIComponent(name)}`, (mesh) => (this.meshes[name] = mesh));
            }
            return this.meshes[name];
        }

        // The plane as far as its feature visualisation has come; the last one stays until the next is there.
        planeMesh(neuron) {
            const wanted = `${neuron} ${this.planeVersion}`;
            if (this.planeVersion !== undefined && this.planeWanted !== wanted && !this.planeAsked) {
                this.planeWanted = wanted;
                this.planeAsked = true;
                const done = () => (this.planeAsked = false);
                this.fetch(`/scene/plane?neuron=${encodeURIComponent(neuron)}`, (mesh) => (this.plane = mesh), done);
            }
            return this.plane || {};
        }

        fetch(url, take, done = () => {}) {
            fetch(url)
                .then((response) => {
                    if (!response.ok) throw new Error(url);
                    return response.json();
                })
                .then((data) => {
                    take({
                        polys: decode(data.polys, Uint32Array),
                        points: data.points.map((a) => decode(a, Float32Array)),
                        normals: data.normals.map((a) => decode(a, Float32Array)),
                        colours: data.colours.map((a) => decode(a, Uint8Array)),
                    });
                    this.shown.mesh = null;
                })
                .catch(() => window.perturber.notice("The object could not be loaded into the view."))
                .finally(() => {
                    done();
                    this.update(this.scene);
                });
        }

        // Writes only the arrays that change: each one that is touched is sent to the graphics card again.
        morph(mesh, scene) {
            const shape = limit(scene.morph + scene.shape_morph, 0, 1);
            const texture = limit(scene.morph + scene.texture_morph, 0, 1);
            const surface = `${texture} ${scene.texture_influence}`;
            const fresh = this.shown.mesh !== mesh;
            const data = this.actor.getMapper().getInputData();
            if (fresh) data.getPolys().setData(mesh.polys);
            if (fresh || this.shown.shape !== shape) {
                data.getPoints().setData(blend(mesh.points, shape, Float32Array), 3);
                data.getPointData().getNormals().setData(blend(mesh.normals, shape, Float32Array), 3);
            }
            if (fresh || this.shown.surface !== surface) {
                const colours = blend(mesh.colours, texture, Uint8Array);
                const white = 255 * (1 - scene.texture_influence);
                if (white) colours.forEach((c, i) => (colours[i] = white + scene.texture_influence * c));
                data.getPointData().getScalars().setData(colours, 3);
            }
            if (fresh || this.shown.shape !== shape || this.shown.surface !== surface) data.modified();
            Object.assign(this.shown, { mesh, shape, surface });
        }
    }

    function blend([first, second], share, Type) {
        if (share === 0) return first.slice();
        if (share === 1) return second.slice();
        return Type.from(first, (value, i) => value + share * (second[i] - value));
    }

    // Pointer, wheel and keys → changes of the camera's parameters.
    function listen(element, get, set, reset) {
        const stage = element.parentElement;
        const perPixel = () => (2 * Math.tan(radians(15)) * get().distance) / stage.clientHeight;
        const turn = (dx, dy) => {
            const scene = get();
            const yaw = ((scene.yaw + dx + 540) % 360) - 180;
            set({ yaw: yaw, pitch: limit(scene.pitch - dy, -90, 90) });
        };
        const move = (dx, dy) => {
            const scene = get();
            set({
                pan_x: limit(scene.pan_x + dx * perPixel(), -3, 3),
                pan_y: limit(scene.pan_y - dy * perPixel(), -3, 3),
            });
        };
        const dolly = (factor) => set({ distance: limit(get().distance * factor, 0.5, 20) });
        let last = null;
        element.addEventListener("pointerdown", (event) => {
            if (event.button > 1) return;
            event.preventDefault();
            element.focus();
            element.setPointerCapture(event.pointerId);
            last = { x: event.clientX, y: event.clientY, pan: event.button === 1 || event.shiftKey };
        });
        element.addEventListener("pointermove", (event) => {
            if (!last) return;
            const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
            if (last.pan) move(dx, dy);
            else turn(dx * 0.4, dy * 0.4);
            last = { ...last, x: event.clientX, y: event.clientY };
        });
        const stop = () => (last = null);
        element.addEventListener("pointerup", stop);
        element.addEventListener("pointercancel", stop);
        element.addEventListener("dblclick", reset);
        element.addEventListener("auxclick", (event) => event.preventDefault());
        element.addEventListener(
            "wheel",
            (event) => {
                event.preventDefault();
                dolly(Math.exp(limit(event.deltaY, -200, 200) * 0.001));
            },
            { passive: false },
        );
        const keys = {
            ArrowLeft: () => turn(-5, 0),
            ArrowRight: () => turn(5, 0),
            ArrowUp: () => turn(0, -5),
            ArrowDown: () => turn(0, 5),
            "+": () => dolly(0.9),
            "-": () => dolly(1 / 0.9),
        };
        element.addEventListener("keydown", (event) => {
            if (!keys[event.key]) return;
            event.preventDefault();
            keys[event.key]();
        });
    }

    window.perturber.SceneView = SceneView;
    window.perturber.listenToPointer = listen;
})();
