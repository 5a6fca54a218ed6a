// Moves the dash-vtk view of the scene in the browser, without waiting for the server.
//
// The camera follows perturber/render/camera.py: it stands at the origin and looks down −z; the object moves:
//     x_camera = Rz(roll) · Rx(−pitch) · Ry(yaw) · x_object + (pan_x, pan_y, −distance)
(function () {
    const [FAR, BUSY_MS] = [60, 30];
    const OBJECT = [
        "yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "morph", "shape_morph", "texture_morph",
        "texture_influence", "lighting_influence", "light_azimuth", "light_elevation", "plane", "plane_neuron",
    ];
    const [radians, share] = [(degrees) => (degrees * Math.PI) / 180, (value) => Math.min(1, Math.max(0, value))];
    const blend = ([first, second], part) => first.map((value, i) => value + part * (second[i] - value));
    const decode = (text, Type) => new Type(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

    class SceneView {
        // page: its name; camera: what the service's camera and lamps are like
        constructor(page, camera) {
            Object.assign(this, { page, camera, meshes: {}, shown: {}, frame: null });
            this.canvas = Object.assign(document.createElement("canvas"), { complete: true }); // as an image is
            this.stage = document.getElementById(`${page}-stage`);
            this.backdrop = document.getElementById(`${page}-backdrop`);
            this.connect();
        }

        // dash-vtk hands an actor its data first and their arrays one after the other.
        connect() {
            if (!this.stage.isConnected) return;
            const vtk = (this.vtk = findVtkView(document.getElementById(`${this.page}-vtk`)));
            const actor = (this.actor = vtk?.renderer.getActors().find((a) => a.getVisibility() && isWhole(a)));
            if (!actor) return setTimeout(() => this.connect(), BUSY_MS);
            // dash-vtk has no property for a texture; that of a colour bar is at hand, which is never shown.
            this.texture = vtk.renderer.getActors().flatMap((a) => a.getTextures()).find((one) => !one.getImage());
            this.texture.set({ interpolate: true, image: this.canvas });
            actor.addTexture(this.texture);
            vtk.resetCamera = () => this.placeCamera();
            this.makeLamps();
            this.placeCamera();
            if (this.scene) this.update(this.scene);
        }

        placeCamera() {
            const eye = this.vtk.renderer.getActiveCamera();
            eye.set({ position: [0, 0, 0], focalPoint: [0, 0, -1], viewUp: [0, 1, 0] });
            eye.set({ viewAngle: this.camera.fieldOfView, clippingRange: [this.camera.near, FAR] });
        }

        makeLamps() {
            const { renderer } = this.vtk;
            renderer.setAutomaticLightCreation(false);
            renderer.removeAllLights();
            this.lamps = this.camera.lamps.map((lamp) => {
                const light = renderer.makeLight();
                light.set({ positional: false, focalPoint: [0, 0, 0], intensity: lamp.strength });
                renderer.addLight(light);
                return light;
            });
        }

        // Ry(azimuth) · Rx(−elevation), as in perturber/render/shading.py
        placeLamps(scene) {
            const [a, e] = [radians(scene.light_azimuth), radians(scene.light_elevation)];
            this.camera.lamps.forEach(({ direction: [x, y, z] }, i) => {
                const [up, towards] = [y * Math.cos(e) + z * Math.sin(e), z * Math.cos(e) - y * Math.sin(e)];
                const across = x * Math.cos(a) + towards * Math.sin(a);
                this.lamps[i].setPosition(across, up, towards * Math.cos(a) - x * Math.sin(a));
            });
        }

        // Draws with the browser's next frame; what is no number (yet) leaves the view as it is.
        update(scene) {
            this.scene = scene;
            this.frame = this.frame || requestAnimationFrame(() => {
                this.frame = null;
                this.draw(this.scene);
            });
        }

        draw(scene) {
            this.styleBackdrop(scene);
            const numbers = OBJECT.slice(0, -2).every((key) => Number.isFinite(scene[key]));
            if (!this.actor || !this.stage.isConnected || !numbers) return;
            const mesh = scene.plane ? this.plane : this.load(scene.object);
            const drawn = JSON.stringify(OBJECT.map((key) => scene[key]));
            if (!mesh || !mesh.polys || (this.shown.mesh === mesh && this.shown.drawn === drawn)) return;
            this.shown.drawn = drawn;
            this.placeLamps(scene);
            this.morph(mesh, scene);
            const diffuse = scene.lighting_influence;
            this.actor.getProperty().set({ ambient: 1 + diffuse * (this.camera.ambient - 1), diffuse, specular: 0 });
            this.actor.setOrientation(-scene.pitch, scene.yaw, scene.roll); // first y, then x, then z
            this.actor.setPosition(scene.pan_x, scene.pan_y, -scene.distance);
            this.vtk.renderWindow.render();
            this.stage.dataset.drawn = "true";
        }

        styleBackdrop(scene) {
            const blur = ((2 ** scene.background_blur - 1) * 0.5 * 100) / 224; // percent of the stage's width
            const plain = (name, value, none = 1, unit = "") => (value === none ? "" : `${name}(${value}${unit}) `);
            this.showBackdrop(scene.background);
            this.backdrop.style.transform = plain("rotate", -scene.background_rotation, -0, "deg");
            const blurred = plain("blur", blur.toFixed(3), "0.000", "cqw");
            this.backdrop.style.filter = blurred + plain("saturate", scene.background_saturation);
            const colours = plain("hue-rotate", scene.hue, 0, "turn") + plain("saturate", scene.saturation);
            this.stage.style.filter = colours + plain("contrast", scene.contrast) + plain("brightness", scene.alpha);
        }

        // The old picture stays until the new one can be drawn.
        showBackdrop(name) {
            if (this.shown.picture === name) return;
            this.shown.picture = name;
            const picture = Object.assign(new Image(), { src: `/scene/backdrop/${encodeURIComponent(name)}` });
            picture.onload = () => {
                if (this.shown.picture === name) this.backdrop.style.backgroundImage = `url("${picture.src}")`;
            };
        }

        load(name) {
            const take = (mesh) => (this.meshes[name] = mesh);
            if (!this.meshes[name]) this.fetch(`/scene/object/${encodeURIComponent(name)}`, take);
            return (this.meshes[name] ??= {});
        }

        // The plane, as far as its feature visualisation has come; the last one stays until the next is there.
        showPlane(version, { plane_neuron: neuron }) {
            const wanted = `${neuron} ${version}`;
            this.planeVersion = version;
            if (this.planeWanted === wanted || this.planeAsked) return;
            Object.assign(this, { planeWanted: wanted, planeAsked: true });
            this.fetch(`/scene/plane?neuron=${encodeURIComponent(neuron)}`, (mesh) => (this.plane = mesh)).then(() => {
                this.planeAsked = false;
                this.showPlane(this.planeVersion, this.scene);
            });
        }

        async fetch(url, take) {
            const response = await fetch(url).catch(() => null);
            if (!response?.ok) return; // the picture beside the view tells what is wrong
            const data = await response.json();
            const all = (name, Type) => data[name].map((array) => decode(array, Type));
            const textures = data.textures.map((src) => Object.assign(new Image(), { src }));
            await Promise.all(textures.map((image) => image.decode()));
            const [points, normals] = [all("points", Float32Array), all("normals", Float32Array)];
            const [polys, places] = [decode(data.polys, Uint32Array), decode(data.places, Float32Array)];
            take({ polys, places, points, normals, textures });
            this.shown.mesh = null;
            this.update(this.scene);
        }

        // Writes only the arrays that change: each one that is touched is sent to the graphics card again.
        morph(mesh, scene) {
            const shape = share(scene.morph + scene.shape_morph);
            const texture = share(scene.morph + scene.texture_morph);
            const surface = `${texture} ${scene.texture_influence}`;
            const data = dataOf(this.actor);
            if (this.shown.mesh !== mesh) {
                data.getPolys().setData(mesh.polys);
                data.getPointData().getTCoords().setData(mesh.places, 2);
                Object.assign(this.shown, { mesh, shape: null, surface: null });
            }
            if (this.shown.shape !== shape) {
                data.getPoints().setData(blend(mesh.points, shape), 3);
                data.getPointData().getNormals().setData(blend(mesh.normals, shape), 3);
                data.modified();
            }
            if (this.shown.surface !== surface) this.paint(mesh.textures, texture, scene.texture_influence);
            Object.assign(this.shown, { shape, surface });
        }

        // Both textures, one over the other, and white over both.
        paint(textures, part, influence) {
            const { canvas, texture } = this;
            Object.assign(canvas, { width: textures[0].width, height: textures[0].height });
            const context = canvas.getContext("2d");
            textures.forEach((image, i) => {
                context.globalAlpha = i ? part : 1;
                context.drawImage(image, 0, 0, canvas.width, canvas.height);
            });
            context.globalAlpha = 1 - influence;
            context.fillStyle = "white";
            context.fillRect(0, 0, canvas.width, canvas.height);
            texture.modified();
        }
    }

    const dataOf = (actor) => actor.getMapper && actor.getMapper().getInputData();
    const isWhole = (actor) => ["getNormals", "getTCoords"].every((get) => dataOf(actor)?.getPointData()[get]());

    // dash-vtk reports no camera back and clips by what is visible: its own vtk.js objects are taken from React.
    function findVtkView(element) {
        let fiber = element?.[Object.keys(element).find((key) => key.startsWith("__reactFiber$"))];
        while (fiber && !fiber.stateNode?.renderWindow) fiber = fiber.return;
        return fiber?.stateNode;
    }

    // A browser keeps some sixteen WebGL contexts alive; one that is left must be given back. dash-vtk takes its arrays
    // off one by one, asking deleted ones, and measures its actors a moment later: it finds none, in whatever view.
    const first = new MutationObserver(() => {
        const views = findVtkView(document.querySelector("[id$='-vtk']"))?.constructor.prototype;
        if (!views) return;
        first.disconnect();
        const unmount = views.componentWillUnmount;
        views.componentWillUnmount = function () {
            this.renderer.getActors().filter(isWhole).forEach((a) => dataOf(a).getPointData().removeAllArrays());
            const context = this.openglRenderWindow.getContext();
            unmount.call(this);
            queueMicrotask(() => (this.renderer = { get: () => ({ props: [] }) })); // once its actors have left, too
            context?.getExtension("WEBGL_lose_context")?.loseContext();
        };
    });
    first.observe(document, { childList: true, subtree: true });

    window.perturber.SceneView = SceneView;
})();
