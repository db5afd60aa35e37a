import Credentials from "next-auth/providers/credentials";

export const authOptions = {
  session: { strategy: "jwt" },
  providers: [
    Credentials({
      credentials: { name: { label: "Name" } },
      authorize: ({ name }) => ({ id: name }), // your own sign-in stands here
    }),
  ],
};
