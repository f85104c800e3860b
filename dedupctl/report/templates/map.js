"use strict";
// Wires Bokeh's map to the page: thumbnails that appear on zooming, a card on hover, the cluster on click, keys.
(() => {
  const board = document.getElementById("map-board");
  const card = document.getElementById("map-card");
  const told = JSON.parse(document.getElementById("map-data").textContent);
  const { points, atlas, kinds } = told;
  const count = points.kind.length;
  const sheets = new Map();
  const addresses = new Map();
  const ROOM = 1500; // Pixels per point in view: with fewer, dots say more than pictures.
  const MARGIN = 2;

  const color = (kind) => {
    const names = { single: "--map-single" };
    return getComputedStyle(board).getPropertyValue(names[kinds[kind]] || `--${kinds[kind]}`).trim();
  };

  // A sheet is decoded when one of its pictures is first needed.
  const perSheet = atlas.columns * atlas.columns;
  const sheetOf = (cell) => {
    const number = Math.floor(cell / perSheet);
    if (!sheets.has(number)) {
      const picture = new Image();
      picture.src = `data:image/webp;base64,${atlas.sheets[number]}`;
      sheets.set(number, picture.decode().then(() => picture));
    }
    return sheets.get(number);
  };

  const drawInto = async (canvas, point, border) => {
    const cell = points.cell[point];
    const [width, height] = [atlas.width[cell], atlas.height[cell]];
    if (!width) return false;
    const sheet = await sheetOf(cell);
    const place = cell % perSheet;
    const [left, top] = [(place % atlas.columns) * atlas.cell, Math.floor(place / atlas.columns) * atlas.cell];
    canvas.width = width + 2 * border;
    canvas.height = height + 2 * border;
    const pen = canvas.getContext("2d");
    pen.fillStyle = color(points.kind[point]);
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(sheet, left, top, width, height, border, border, width, height);
    return true;
  };

  const addressOf = async (point) => {
    if (!addresses.has(point)) {
      const canvas = document.createElement("canvas");
      addresses.set(point, (await drawInto(canvas, point, points.kind[point] ? MARGIN : 0)) ? canvas.toDataURL("image/jpeg", 0.85) : null);
    }
    return addresses.get(point);
  };

  const targetOf = (point) => {
    const cluster = points.cluster[point];
    if (!cluster) return null;
    const id = kinds[points.kind[point]] === "similar" ? `cluster-${cluster}-similar` : `cluster-${cluster}`;
    return document.getElementById(id);
  };

  let pointed;
  const showCard = async (point) => {
    if (point === pointed) return;
    pointed = point;
    if (point === undefined) {
      card.hidden = true;
      return;
    }
    const canvas = document.createElement("canvas");
    const drawn = await drawInto(canvas, point, 0);
    if (point !== pointed) return;
    card.querySelector("canvas").replaceWith(canvas);
    canvas.hidden = !drawn;
    canvas.style.width = `${Math.max(canvas.width, 160)}px`;
    const kind = kinds[points.kind[point]];
    card.querySelector(".name").textContent = points.name[point];
    card.querySelector(".aside").textContent = kind === "single" ? "nothing like it"
      : targetOf(point) ? `${kind}; click to open its cluster` : `${kind}; its cluster is left out of this page`;
    card.hidden = false;
  };

  const start = async () => {
    Bokeh.logger.set_level("warn");
    await Bokeh.embed.embed_item(told.plot, "map-plot");
    const doc = Bokeh.documents[Bokeh.documents.length - 1];
    const plot = doc.get_model_by_name("map");
    const dots = doc.get_model_by_name("points");
    const lines = doc.get_model_by_name("lines");
    const pictures = doc.get_model_by_name("pictures");
    const wheel = doc.get_model_by_name("wheel");
    const [xs, ys] = [dots.data.x, dots.data.y];

    const DOT = points.kind.map((kind) => (kind ? 8 : 5) - (count > 5000 ? 2 : 0));
    let palette = [];
    const drawDots = (pictured, side) => {
      dots.data = {
        ...dots.data,
        color: points.kind.map((kind) => palette[kind]),
        size: pictured.size ? DOT.map((size, point) => (pictured.has(point) ? side : size)) : DOT,
        alpha: pictured.size ? DOT.map((_, point) => (pictured.has(point) ? 0 : 0.85)) : DOT.map(() => 0.85),
      };
    };
    const paint = () => {
      palette = kinds.map((_, kind) => color(kind));
      lines.data = { ...lines.data, color: told.edges.map((kind) => palette[kind]) };
      addresses.clear();
      drawDots(new Set(), 0);
      showPictures();
    };

    // One picture per patch of the screen, duplicates first; the rest stay dots until the view is closer.
    let turn = 0;
    const showPictures = async () => {
      const mine = ++turn;
      const [x0, x1, y0, y1] = [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end];
      const inside = [];
      for (let point = count - 1; point >= 0; point--) {
        if (xs[point] >= x0 && xs[point] <= x1 && ys[point] >= y0 && ys[point] <= y1) inside.push(point);
      }
      const shown = { url: [], x: [], y: [], w: [], h: [] };
      const pictured = new Set();
      let side = 0;
      if (inside.length * ROOM <= board.clientWidth * board.clientHeight) {
        const [wide, high] = [board.clientWidth, board.clientHeight];
        side = Math.max(36, Math.min(1.25 * atlas.cell, 140, 0.8 * Math.sqrt((wide * high) / (inside.length + 1))));
        const taken = new Set();
        for (const point of inside) {
          const patch = `${Math.floor(((xs[point] - x0) / (x1 - x0)) * wide / side * 1.4)}:${Math.floor(((ys[point] - y0) / (y1 - y0)) * high / side * 1.4)}`;
          if (taken.has(patch)) continue;
          const address = await addressOf(point);
          if (mine !== turn) return;
          if (!address) continue;
          taken.add(patch);
          pictured.add(point);
          const cell = points.cell[point];
          const scale = side / Math.max(atlas.width[cell], atlas.height[cell]);
          shown.url.push(address);
          shown.x.push(xs[point]);
          shown.y.push(ys[point]);
          shown.w.push(atlas.width[cell] * scale);
          shown.h.push(atlas.height[cell] * scale);
        }
        for (const column of Object.values(shown)) column.reverse();
      }
      if (pictured.size || pictures.data.url.length) {
        pictures.data = shown;
        drawDots(pictured, side);
      }
      board.dataset.pictures = String(shown.url.length);
    };
    let waiting = 0;
    const later = () => {
      clearTimeout(waiting);
      waiting = setTimeout(showPictures, 120);
    };

    const whole = [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end];
    const view = (x0, x1, y0, y1) => {
      plot.x_range.setv({ start: x0, end: x1 });
      plot.y_range.setv({ start: y0, end: y1 });
    };
    const move = (right, up, zoom) => {
      const [x0, x1, y0, y1] = [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end];
      const [x, y] = [(x0 + x1) / 2 + right * (x1 - x0), (y0 + y1) / 2 + up * (y1 - y0)];
      const [w, h] = [((x1 - x0) / 2) * zoom, ((y1 - y0) / 2) * zoom];
      view(x - w, x + w, y - h, y + h);
    };
    const verbs = {
      in: () => move(0, 0, 0.6), out: () => move(0, 0, 1 / 0.6), all: () => view(...whole),
      "+": () => move(0, 0, 0.6), "=": () => move(0, 0, 0.6), "-": () => move(0, 0, 1 / 0.6), 0: () => view(...whole),
      ArrowLeft: () => move(-0.15, 0, 1), ArrowRight: () => move(0.15, 0, 1),
      ArrowUp: () => move(0, 0.15, 1), ArrowDown: () => move(0, -0.15, 1),
    };
    board.addEventListener("click", (event) => verbs[event.target.dataset.map]?.());
    board.addEventListener("keydown", (event) => {
      if (event.target !== board || !verbs[event.key]) return;
      event.preventDefault();
      verbs[event.key]();
    });

    // The wheel scrolls the page until the map has been clicked: a map must not trap whoever scrolls past it.
    board.addEventListener("pointerdown", () => { wheel.active = true; });
    board.addEventListener("pointerleave", () => { wheel.active = false; showCard(undefined); });
    dots.inspect.connect(() => showCard(dots.inspected.indices[dots.inspected.indices.length - 1]));
    dots.selected.properties.indices.change.connect(() => {
      const chosen = dots.selected.indices;
      if (!chosen.length) return;
      const target = targetOf(chosen[chosen.length - 1]);
      dots.selected.indices = [];
      if (!target) return;
      if (location.hash === `#${target.id}`) target.scrollIntoView();
      location.hash = target.id;
    });
    plot.x_range.change.connect(later);
    plot.y_range.change.connect(later);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    paint();
    board.dataset.ready = "yes";
  };
  // The clusters are there at once, so the map may wait until the browser is idle.
  requestAnimationFrame(() => setTimeout(start, 0));
})();
