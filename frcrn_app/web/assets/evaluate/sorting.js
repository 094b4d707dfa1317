// Gradio's table names the arrow of a sorted column in a way that screen readers do not take, and
// does not say in the heading how it is sorted.

const say = (table) => {
  for (const heading of table.querySelectorAll("[role=columnheader]")) {
    const arrow = heading.querySelector(".sort-indicator[aria-label]");
    if (arrow) {
      arrow.setAttribute("role", "img");
      const falling = /desc|降/i.test(arrow.getAttribute("aria-label"));
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    } else heading.removeAttribute("aria-sort");
  }
};

// Follows every table of files on the page, also one that is drawn later.
export const sayHowTablesAreSorted = () => {
  const look = () => document.querySelectorAll("#evaluate-table").forEach(say);
  new MutationObserver(look).observe(document.querySelector("main") ?? document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["aria-label"],
  });
  look();
};
