// How an app of this folder says where it listens; see tests/hosts/__init__.py.
export function listen(app) {
  const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

export const { SECRET, OLD_SECRET, OTHER_SECRET } = process.env;
