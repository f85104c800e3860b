"use strict";
// Two pictures on one stage, aligned as the proof found them, and the keys of the review.
// Without scripts, the form below the stage does the same.
(() => {
  const stage = document.getElementById("stage");
  const form = document.getElementById("decide");
  const members = [...form.querySelectorAll(".member")].map((item) => ({
    item,
    width: Number(item.dataset.width),
    height: Number(item.dataset.height),
    toKeeper: JSON.parse(item.dataset.toKeeper),
    fromKeeper: JSON.parse(item.dataset.fromKeeper),
    loaded: item.dataset.thumbnail,
  }));
  const keeper = members[0];
  const pane = (name) => stage.querySelector(`[data-pane=${name}]`);
  const panes = { keeper: pane("keeper"), member: pane("member") };
  const divider = document.getElementById("divider");
  const LARGEST_ZOOM = 32;

  let selected = members[1] || null;
  let mode = "side";
  let zoom = 1;
  let centre = [keeper.width / 2, keeper.height / 2]; // in pixels of the keeper

  // --- geometry: 3 x 3 matrices, row by row ---------------------------------------------------------------------
  const times = (a, b) => [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) =>
    a[3 * row] * b[column] + a[3 * row + 1] * b[column + 3] + a[3 * row + 2] * b[column + 6]));
  const mapped = (m, [x, y]) => {
    const w = m[6] * x + m[7] * y + m[8];
    return [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w];
  };
  const css = (m) => `matrix3d(${[m[0], m[3], 0, m[6], m[1], m[4], 0, m[7], 0, 0, 1, 0, m[2], m[5], 0, m[8]].join(",")})`;
  const camera = (scale, [x, y], { width, height }) => [scale, 0, width / 2 - x * scale, 0, scale, height / 2 - y * scale, 0, 0, 1];
  const fit = (picture, box) => Math.min(box.width / picture.width, box.height / picture.height);
  // The width of one pixel of the member, in pixels of the keeper.
  const keeperPixels = (member) => {
    const [a, b] = [mapped(member.toKeeper, [0, 0]), mapped(member.toKeeper, [member.width, member.height])];
    return Math.hypot(a[0] - b[0], a[1] - b[1]) / Math.hypot(member.width, member.height);
  };

  // --- drawing --------------------------------------------------------------------------------------------------
  const imageOf = (member, canvas, role) => {
    let image = canvas.querySelector(`img.${role}`);
    if (!image) {
      image = document.createElement("img");
      image.className = role;
      image.draggable = false;
      const holder = document.createElement("div");
      holder.className = `layer ${role}`;
      holder.append(image);
      canvas.append(holder);
    }
    if (image.getAttribute("src") !== member.loaded) image.src = member.loaded;
    image.alt = member.item.dataset.name;
    image.style.width = `${member.width}px`;
    image.style.height = `${member.height}px`;
    return image;
  };

  const draw = () => {
    if (!selected) return;
    const overlaid = mode !== "side";
    // Before anything is measured: an overlay takes up the space of both panes.
    stage.dataset.mode = mode;
    const box = panes.keeper.querySelector(".canvas").getBoundingClientRect();
    const scale = fit(keeper, box) * zoom;
    const view = camera(scale, centre, box);
    const base = imageOf(keeper, panes.keeper.querySelector(".canvas"), "base");
    base.style.transform = css(view);
    const over = imageOf(selected, panes.keeper.querySelector(".canvas"), "over");
    over.parentElement.hidden = !overlaid;
    over.style.transform = css(times(view, selected.toKeeper));
    over.parentElement.style.clipPath = mode === "swipe" ? `inset(0 0 0 ${divider.value}%)` : "";
    // No difference can be shown outside the member's picture.
    const corners = [[0, 0], [selected.width, 0], [selected.width, selected.height], [0, selected.height]];
    base.style.clipPath = mode === "difference"
      ? `polygon(${corners.map((corner) => mapped(selected.toKeeper, corner).map((x) => `${x}px`).join(" ")).join(",")})` : "";
    if (!overlaid) {
      const other = panes.member.querySelector(".canvas").getBoundingClientRect();
      const image = imageOf(selected, panes.member.querySelector(".canvas"), "base");
      const whole = fit(selected, other);
      const own = zoom === 1 ? whole : Math.max(whole, scale * keeperPixels(selected));
      const middle = zoom === 1 ? [selected.width / 2, selected.height / 2] : mapped(selected.fromKeeper, centre);
      image.style.transform = css(camera(own, middle, other));
    }
    stage.dataset.zoom = zoom.toFixed(2);
    panes.keeper.style.setProperty("--divider", `${divider.value}%`);
  };

  const sharpen = (member) => {
    if (!member || member.asked) return;
    member.asked = true;
    const large = new Image();
    large.onload = () => { member.loaded = large.src; draw(); };
    large.src = member.item.dataset.view;
  };

  const loadExif = async () => {
    const target = document.getElementById("exif-table");
    if (!selected || !document.getElementById("exif").open) return;
    const address = `${document.body.dataset.base}/exif/${keeper.item.dataset.content}/${selected.item.dataset.content}`;
    if (target.dataset.address === address) return;
    target.dataset.address = address;
    const answer = await fetch(address);
    if (target.dataset.address !== address) return;
    const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
    target.replaceChildren(...fresh.body.childNodes);
  };

  const select = (member) => {
    if (!member || member === keeper) return;
    selected = member;
    for (const one of members) {
      one.item.classList.toggle("selected", one === selected);
      const button = one.item.querySelector(".compare");
      if (button) button.setAttribute("aria-pressed", String(one === selected));
    }
    panes.member.querySelector(".number").textContent = member.item.dataset.member;
    for (const [place, shown] of [[panes.keeper, keeper], [panes.member, member]]) {
      place.querySelector(".what").textContent = shown.item.dataset.name;
      place.querySelector(".folder").textContent = `in ${shown.item.dataset.folder}`;
    }
    document.getElementById("sentence").textContent = member.item.querySelector(".evidence").textContent;
    document.getElementById("aligned").textContent = member.item.dataset.proven ? "Aligned by the proof" : "No proof to align by";
    draw();
    loadExif().catch(() => {});
    setTimeout(() => { sharpen(keeper); sharpen(selected); }, 60);
  };

  const setMode = (wanted) => {
    mode = wanted;
    for (const button of stage.querySelectorAll("button[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    draw();
  };

  const zoomBy = (factor, at = null) => {
    const box = panes.keeper.querySelector(".canvas").getBoundingClientRect();
    const before = fit(keeper, box) * zoom;
    zoom = Math.min(LARGEST_ZOOM, Math.max(1, zoom * factor));
    const after = fit(keeper, box) * zoom;
    if (at) centre = [0, 1].map((axis) => centre[axis] + at[axis] / before - at[axis] / after);
    hold();
    draw();
  };
  const hold = () => {
    centre = zoom === 1 ? [keeper.width / 2, keeper.height / 2]
      : [Math.min(keeper.width, Math.max(0, centre[0])), Math.min(keeper.height, Math.max(0, centre[1]))];
  };
  const fitAll = () => { zoom = 1; hold(); draw(); };

  for (const name of ["keeper", "member"]) {
    const canvas = panes[name].querySelector(".canvas");
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoomBy(Math.exp(-event.deltaY / 400), [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2]);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      if (mode === "swipe") {
        const box = canvas.getBoundingClientRect();
        divider.value = String(100 * (event.clientX - box.x) / box.width);
      } else if (zoom > 1) {
        const scale = fit(keeper, panes.keeper.querySelector(".canvas").getBoundingClientRect()) * zoom;
        centre = [centre[0] - event.movementX / scale, centre[1] - event.movementY / scale];
        hold();
      }
      draw();
    });
  }
  divider.addEventListener("input", draw);
  addEventListener("resize", draw);
  document.getElementById("exif").addEventListener("toggle", () => loadExif().catch(() => {}));
  stage.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.mode) setMode(button.dataset.mode);
    else if (button.dataset.zoom === "fit") fitAll();
    else zoomBy(button.dataset.zoom === "in" ? 1.5 : 1 / 1.5);
  });

  // --- deciding -------------------------------------------------------------------------------------------------
  const count = () => {
    const marks = form.querySelectorAll("input[name=remove]:checked").length;
    const told = document.getElementById("marked");
    if (told) told.textContent = marks ? `${marks} to be removed` : "nothing to be removed";
    for (const one of members) {
      const box = one.item.querySelector("input[name=remove]");
      one.item.classList.toggle("removed", Boolean(box && box.checked));
    }
  };
  // Marks survive leaving this page: by moving through the queue, another keeper, a verdict or an undo.
  const markOf = (box) => `remove ${box.value}`;
  for (const box of form.querySelectorAll("input[name=remove]")) {
    const remembered = sessionStorage.getItem(markOf(box));
    if (remembered !== null) box.checked = remembered === "yes";
  }
  form.addEventListener("change", (event) => {
    if (event.target.name === "remove") sessionStorage.setItem(markOf(event.target), event.target.checked ? "yes" : "no");
    count();
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button.compare");
    if (button) select(members[Number(button.dataset.select) - 1]);
  });
  // A second press must not apply to the cluster that comes next.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);

  const press = (selector, within = document) => {
    const target = within.querySelector(selector);
    if (target) target.click();
  };
  const step = (direction) => {
    const others = members.slice(1);
    select(others[(others.indexOf(selected) + direction + others.length) % others.length]);
    selected.item.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    ArrowRight: () => press("a[rel=next]"),
    ArrowLeft: () => press("a[rel=prev]"),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    k: () => press(".make-keeper", selected.item),
    x: () => press("input[name=remove]", selected.item),
    d: () => press("button[name=different]", selected.item),
    s: () => press("button[name=same]", selected.item),
    Enter: () => (document.getElementById("apply") ? press("#apply") : press("a[rel=next]")),
    1: () => setMode("side"),
    2: () => setMode("swipe"),
    3: () => setMode("difference"),
    "+": () => zoomBy(1.5),
    "=": () => zoomBy(1.5),
    "-": () => zoomBy(1 / 1.5),
    0: fitAll,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !event.key.startsWith("Arrow")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || !selected) return;
    event.preventDefault();
    act();
  });

  if (selected) {
    stage.hidden = false;
    document.getElementById("exif").hidden = false;
    select(selected);
  }
  count();
})();
