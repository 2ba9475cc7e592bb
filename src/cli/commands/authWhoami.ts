import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { fields } from '../output/table.js';

/** Shows whom the key belongs to. */
export async function run(context: CommandContext, options: ServerOptions): Promise<void> {
  await using service = await openServer(context, options);
  const { userUrn, orgUrn, email } = await context.wait(service.rest.whoami());
  context.print(
    { user_urn: userUrn, org_urn: orgUrn, email: email ?? null },
    fields({ User: userUrn, Organization: orgUrn, Email: email }),
  );
}
