// Gestures on the scene become changes of the camera's parameters.
(function () {
    const TURN = 0.4; // degrees a pixel
    const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [DEGREES, PIXELS] = [5, 10]; // by which an arrow key turns the object, or moves it with Shift
    const DOLLY = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 };
    const tidy = (value) => Number(value.toFixed(4));

    const moves = (element, camera, get, set) => {
        const within = (key, value) => tidy(Math.min(camera.limits[key][1], Math.max(camera.limits[key][0], value)));
        const turn = (dx, dy) => {
            const { yaw, pitch } = get();
            set({ yaw: tidy(((yaw + dx + 540) % 360) - 180), pitch: within("pitch", pitch - dy) });
        };
        const move = (dx, dy) => {
            const { pan_x: x, pan_y: y, distance } = get();
            const perPixel = (2 * Math.tan((camera.fieldOfView * Math.PI) / 360) * distance) / element.clientHeight;
            set({ pan_x: within("pan_x", x + dx * perPixel), pan_y: within("pan_y", y - dy * perPixel) });
        };
        const dolly = (factor) => set({ distance: within("distance", get().distance * factor) });
        return [turn, move, dolly];
    };

    // page: its name; camera: field of view, limits and start of each parameter; get(): the scene; set(values)
    window.perturber.listenToPointer = function (page, camera, get, set) {
        const element = document.querySelector(`#${page}-stage .pointer`);
        const [turn, move, dolly] = moves(element, camera, get, set);
        let last = null; // of a drag, which moves with Shift or the middle button
        element.addEventListener("pointerdown", (event) => {
            if (event.button > 1) return;
            event.preventDefault();
            element.focus();
            element.setPointerCapture(event.pointerId);
            last = { x: event.clientX, y: event.clientY, pan: event.button === 1 || event.shiftKey };
        });
        element.addEventListener("pointermove", ({ clientX: x, clientY: y }) => {
            if (!last) return;
            const [dx, dy] = [x - last.x, y - last.y];
            last = { ...last, x, y };
            last.pan ? move(dx, dy) : turn(TURN * dx, TURN * dy);
        });
        for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (last = null));
        element.addEventListener("auxclick", (event) => event.preventDefault());
        element.addEventListener("dblclick", () => set(camera.start));
        const wheel = ({ deltaY }) => dolly(Math.exp(Math.min(200, Math.max(-200, deltaY)) * 0.001));
        element.addEventListener("wheel", (event) => (event.preventDefault(), wheel(event)), { passive: false });
        element.addEventListener("keydown", (event) => {
            const { key, shiftKey } = event;
            const known = key in KEYS || key in DOLLY || ["0", "Home"].includes(key);
            if (!known || event.ctrlKey || event.altKey || event.metaKey) return;
            event.preventDefault();
            if (key in DOLLY) dolly(DOLLY[key]);
            else if (!(key in KEYS)) set(camera.start);
            else if (shiftKey) move(...KEYS[key].map((way) => way * PIXELS));
            else turn(...KEYS[key].map((way) => way * DEGREES));
        });
    };
})();
