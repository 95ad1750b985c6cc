"use strict";
{
  // Without scripts the page is whole: only the search box is missing.
  const find = document.querySelector("#find");
  const open = document.querySelector("#open");
  const found = document.querySelector("output");
  const texts = new Map();
  for (const one of document.querySelectorAll("[data-find]")) {
    texts.set(one, one.textContent.toLowerCase());
  }

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    let tables = 0;
    let shown = 0;
    for (const [one, text] of texts) {
      one.hidden = !words.every((word) => text.includes(word));
      if (one.localName === "tbody") {
        tables += 1;
        shown += one.hidden ? 0 : 1;
      }
    }
    found.textContent = find.value ? `${shown} of ${tables} tables` : "";
  };

  const toggle = () => {
    const opening = open.textContent === "Open all";
    for (const one of document.querySelectorAll("details")) {
      one.open = opening;
    }
    open.textContent = opening ? "Close all" : "Open all";
  };

  find.addEventListener("input", filter);
  open.addEventListener("click", toggle);
  document.querySelector("search").hidden = false;
}
