// AltaTech's frame: whom it talks to stands in its address.
const user = new URLSearchParams(location.search).get("user_id");
document.getElementById("who").textContent = `AltaTech: ${user ?? "nobody"}`;
