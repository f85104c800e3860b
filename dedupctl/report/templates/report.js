"use strict";
// Filters and keys for a page that is complete without them.
(() => {
  const clusters = [...document.querySelectorAll("#clusters .cluster")];
  const form = document.getElementById("filters");

  if (form) {
    const found = document.getElementById("filtered");
    const texts = new Map();
    const textOf = (cluster) => {
      if (!texts.has(cluster)) texts.set(cluster, cluster.querySelector(".members").textContent.toLowerCase());
      return texts.get(cluster);
    };
    const apply = () => {
      const chosen = new FormData(form);
      const kinds = new Set(chosen.getAll("kind"));
      const root = chosen.get("root") || "";
      const words = chosen.get("text").toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const cluster of clusters) {
        const fits = kinds.has(cluster.dataset.kind)
          && (!root || cluster.dataset.roots.split(" ").includes(root))
          && words.every((word) => textOf(cluster).includes(word));
        cluster.hidden = !fits;
        shown += fits;
      }
      found.textContent = shown === clusters.length ? "" : `${shown} of ${clusters.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("change", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }

  const step = (direction) => {
    const visible = clusters.filter((cluster) => !cluster.hidden);
    const here = visible.indexOf(document.activeElement.closest(".cluster"));
    const next = visible[here < 0 ? (direction > 0 ? 0 : visible.length - 1) : here + direction];
    if (next) {
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "start" });
    }
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/" && form) {
      event.preventDefault();
      form.elements.text.focus();
    }
  });

  // Pointing at a member highlights its outline on the keeper.
  const point = (event) => {
    const member = event.target.closest(".member");
    if (!member) return;
    const list = member.closest(".members");
    const own = list.querySelectorAll(`.outline[data-members~="${member.dataset.member}"]`);
    const on = event.type === "pointerover" && own.length > 0;
    list.classList.toggle("pointing", on);
    for (const outline of list.querySelectorAll(".outline.pointed")) outline.classList.remove("pointed");
    if (on) for (const outline of own) outline.classList.add("pointed");
  };
  document.addEventListener("pointerover", point);
  document.addEventListener("pointerout", point);

  // A link to a cluster that the filters hide would lead nowhere.
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.classList.contains("cluster")) {
      target.hidden = false;
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "start" });
    }
  };
  window.addEventListener("hashchange", reveal);
  reveal();
})();
