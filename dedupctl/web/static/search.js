"use strict";
// Send a picture that is dropped, pasted or chosen, unchanged; the answer is a list of its copies.
(() => {
  const drop = document.getElementById("drop");
  const input = document.getElementById("picture");
  const asked = document.getElementById("asked");
  const found = document.getElementById("found");
  let latest = 0;

  const ask = async (file) => {
    if (!file) return;
    latest += 1;
    const mine = latest;
    if (asked.src) URL.revokeObjectURL(asked.src);
    asked.src = URL.createObjectURL(file);
    asked.hidden = false;
    found.textContent = "Searching…";
    const csrf = document.querySelector("meta[name=csrf]").content;
    const answer = await fetch(`${document.body.dataset.base}/search`, { method: "POST", body: file, headers: { "x-csrf-token": csrf } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== latest) return;
    const part = answer.ok ? fresh.body : fresh.querySelector("main .lead") || fresh.body;
    found.replaceChildren(...part.childNodes);
  };
  const failed = () => { found.textContent = "The picture could not be sent."; };
  const send = (file) => ask(file).catch(failed);

  // A browser cannot show every format.
  asked.addEventListener("error", () => { asked.hidden = true; });
  input.addEventListener("change", () => send(input.files[0]));
  document.addEventListener("paste", (event) => send(event.clipboardData.files[0]));
  // Anywhere on the page: outside the field the browser would leave the page to show the dropped file.
  document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });
})();
