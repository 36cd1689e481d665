// What htmx could not bring to the server is said in #problem, as refusals are. What a page asks for
// by itself, or while somebody types, tries again by itself.
document.addEventListener("htmx:sendError", (event) => {
  const cause = event.detail.requestConfig.triggeringEvent;
  if (!["click", "submit"].includes(cause?.type)) return;
  const words = document.getElementById("unreached").content.cloneNode(true);
  const problem = document.getElementById("problem");
  problem.replaceChildren(words);
  problem.firstElementChild.focus();
});

document.addEventListener("htmx:beforeRequest", () => {
  document.querySelector("#problem > .unreached")?.remove();
});
