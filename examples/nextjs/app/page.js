import { getServerSession } from "next-auth";
import { authOptions } from "../auth.js";
import Chat from "./chat.js";

export default async function Page() {
  return (
    <>
      <h1>Chat</h1>
      <Chat signedIn={Boolean(await getServerSession(authOptions))} />
    </>
  );
}
