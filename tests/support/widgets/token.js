// How a page without cookies gets at its person's token.
window.shopToken = async () => sessionStorage.getItem("token");
