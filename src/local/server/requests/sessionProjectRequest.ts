import * as z from 'zod';

/** Puts a session into a project. */
export const sessionProjectRequest = z.strictObject({ project_id: z.string().min(1) });
