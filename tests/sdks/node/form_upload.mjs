// What a browser does: fetch with FormData, a file before the text. URL TOKEN
const [url, token] = process.argv.slice(2);
const form = new FormData();
form.append("file", new Blob(["hello\r\n--x\r\n"], { type: "text/plain" }), "käse 1.txt");
form.append("user", "somebody-else");
const headers = { authorization: `Bearer ${token}` };
const answer = await fetch(url, { method: "POST", headers, body: form });
console.log(JSON.stringify(await answer.json()));
