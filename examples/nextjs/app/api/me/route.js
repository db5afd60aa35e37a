// What the gateway asks: whose session is this?
import { getToken } from "next-auth/jwt";

export async function GET(request) {
  const token = await getToken({ req: request });
  return token ? Response.json({ user_id: token.sub }) : Response.json({}, { status: 401 });
}
